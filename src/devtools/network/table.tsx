import { useVirtualizer } from '@tanstack/react-virtual';
import { layerName, type TokenOrder } from 'moe-debugger/protocol';
import {
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  type CSSProperties,
  type KeyboardEvent
} from 'react';
import { OWN_KEYS, useSignal } from '../../drawing';
import type { IViewContext, IViewProps } from '../context';
import { COLORED_DOMAINS } from '../lean';
import { TokenText } from '../token-text';
import { sampleText } from '../words';
import { Chip, chipWidth, segmentsOf } from './chip';
import { Margins } from './margins';
import type { IListedToken } from './model';

const ROW = 24;
/** Rows that Page Up and Page Down move by. */
const JUMP = 20;

/** Tokens as rows, layers as columns. Only the rows in view are elements. */
export function TokenTable({ context }: IViewProps): JSX.Element {
  const { network, selection, source, trans } = context;
  useSignal(network.changed);
  useSignal(selection.changed);
  const scroll = useRef<HTMLDivElement>(null);
  const id = useId();
  const count = network.matches ?? 0;
  const virtualizer = useVirtualizer({
    count,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW,
    overscan: 8
  });
  useEffect(() => network.open());
  const { token } = selection.current;
  const cursor = token === undefined ? undefined : network.indexOf(token);
  useLayoutEffect(() => {
    if (cursor !== undefined) {
      virtualizer.scrollToIndex(cursor, { align: 'auto' });
    }
  }, [cursor]);
  const layers = network.layers;
  const hasMargins = layers.some(({ margins }) => margins.length > 0);
  const onKeyDown = (event: KeyboardEvent): void => {
    const rows = STEPS[event.key];
    const step =
      event.key === 'Home' ? -count : event.key === 'End' ? count : rows;
    const columns = COLUMNS[event.key];
    if (step !== undefined && count > 0) {
      event.preventDefault();
      const to = Math.max(
        0,
        Math.min(count - 1, cursor === undefined ? 0 : cursor + step)
      );
      const row = network.at(to);
      virtualizer.scrollToIndex(to);
      if (row) {
        select(context, row, selection.current.layerIndex, true);
      }
    } else if (columns !== undefined && layers.length > 0) {
      event.preventDefault();
      const layerIndex = Math.max(
        0,
        Math.min(layers.length - 1, selection.current.layerIndex + columns)
      );
      const row = cursor === undefined ? undefined : network.at(cursor);
      if (row) {
        select(context, row, layerIndex, true);
      } else {
        selection.set({ layerIndex }, { moving: 'table' });
      }
    }
  };
  return (
    <div
      {...OWN_KEYS}
      ref={scroll}
      style={{ '--moe-chip-width': `${chipWidth(layers)}px` } as CSSProperties}
      className="moe-TokenTable"
      role="grid"
      tabIndex={0}
      aria-label={trans.__('Tokens and the experts that they chose')}
      aria-rowcount={count + 1}
      aria-colcount={layers.length + 4}
      aria-activedescendant={
        cursor === undefined ? undefined : `${id}-${cursor}`
      }
      onKeyDown={onKeyDown}
    >
      <div className="moe-TokenTable-head" role="row">
        <Head
          context={context}
          order="position"
          label="#"
          className="moe-mod-number"
        />
        <Head
          context={context}
          order="text"
          label={trans.__('token')}
          className="moe-mod-token"
        />
        <Head
          context={context}
          order="sample"
          label={trans.__('sample')}
          className="moe-mod-sample"
        />
        {layers.map((layer, layerIndex) => (
          <Head
            key={layerName(layer)}
            context={context}
            order="expert"
            layerIndex={layerIndex}
            label={layerName(layer)}
            className={`moe-mod-layer${layerIndex === selection.current.layerIndex ? ' moe-mod-current' : ''}`}
          />
        ))}
        {hasMargins && (
          <Head
            context={context}
            order="margin"
            layerIndex={selection.current.layerIndex}
            label={trans.__('margin')}
            className="moe-mod-margin"
          />
        )}
      </div>
      <div
        className="moe-TokenTable-rows"
        style={{ height: virtualizer.getTotalSize() }}
      >
        {virtualizer.getVirtualItems().map(({ index, start }) => {
          const listed = network.at(index);
          const isSelected =
            listed !== undefined && listed.token.index === token;
          return (
            <div
              key={index}
              id={`${id}-${index}`}
              role="row"
              aria-rowindex={index + 2}
              aria-selected={isSelected}
              className="moe-TokenTable-row"
              style={{ transform: `translateY(${start}px)` }}
            >
              {listed ? (
                <Cells
                  context={context}
                  listed={listed}
                  hasMargins={hasMargins}
                />
              ) : (
                <span className="moe-TokenTable-waiting" role="gridcell">
                  {index + 1}
                </span>
              )}
            </div>
          );
        })}
      </div>
      {count === 0 && network.matches !== undefined && (
        <p className="moe-Message">
          {source.outline?.tokens === 0
            ? trans.__('This trace has no tokens.')
            : trans.__('No token passes this filter.')}
        </p>
      )}
    </div>
  );
}

const STEPS: Record<string, number | undefined> = {
  ArrowUp: -1,
  ArrowDown: 1,
  PageUp: -JUMP,
  PageDown: JUMP
};
const COLUMNS: Record<string, number | undefined> = {
  ArrowLeft: -1,
  ArrowRight: 1
};

function Head({
  context,
  order,
  layerIndex = 0,
  label,
  className
}: {
  context: IViewContext;
  order: TokenOrder;
  layerIndex?: number;
  label: string;
  className: string;
}): JSX.Element {
  const { network, trans } = context;
  const now = network.order;
  const isSorted =
    now.order === order &&
    (order !== 'expert' || now.layerIndex === layerIndex);
  return (
    <div
      role="columnheader"
      className={className}
      aria-sort={
        isSorted ? (now.isDescending ? 'descending' : 'ascending') : 'none'
      }
    >
      <button
        {...OWN_KEYS}
        tabIndex={-1}
        title={trans.__('Sort by %1', label)}
        onClick={() => {
          network.order = {
            order,
            layerIndex,
            isDescending: isSorted && !now.isDescending
          };
        }}
      >
        {label}
        {isSorted && <span aria-hidden>{now.isDescending ? ' ▾' : ' ▴'}</span>}
      </button>
    </div>
  );
}

function Cells({
  context,
  listed,
  hasMargins
}: {
  context: IViewContext;
  listed: IListedToken;
  hasMargins: boolean;
}): JSX.Element {
  const { source, selection, trans } = context;
  const { token, layers, row } = listed;
  const { outline } = source;
  const sample = outline?.samples[token.sample];
  const domain = sample?.domain;
  const color =
    domain === undefined ? -1 : (outline?.domains.indexOf(domain) ?? -1);
  const { current } = selection;
  const isRow = current.token === token.index;
  const choose = (layerIndex: number): void =>
    select(context, listed, layerIndex);
  return (
    <>
      <span
        role="gridcell"
        className="moe-mod-number"
        onClick={() => choose(current.layerIndex)}
      >
        {token.position}
      </span>
      <span
        role="gridcell"
        className="moe-mod-token"
        onClick={() => choose(current.layerIndex)}
      >
        <TokenText token={token} />
      </span>
      <span
        role="gridcell"
        className="moe-mod-sample"
        title={[sample?.id, domain].filter(Boolean).join(', ')}
        onClick={() => choose(current.layerIndex)}
      >
        {domain !== undefined && (
          <i
            className={`moe-Swatch${color >= 0 && color < COLORED_DOMAINS ? ` moe-Class-${color}` : ''}`}
          />
        )}
        <bdi>
          {[token.stack, sampleText(outline, token.sample, trans)]
            .filter(Boolean)
            .join(' ')}
        </bdi>
      </span>
      {layers.map((layer, layerIndex) => {
        const isCell = isRow && layerIndex === current.layerIndex;
        return (
          <span
            key={layerIndex}
            role="gridcell"
            aria-selected={isCell}
            className={`moe-mod-layer${isCell ? ' moe-mod-cell' : ''}${layerIndex === current.layerIndex ? ' moe-mod-current' : ''}`}
            onClick={() => choose(layerIndex)}
          >
            <Chip
              layer={layer}
              row={row}
              router={outline?.routers[layerIndex]}
              expert={
                layerIndex === current.layerIndex ? current.expert : undefined
              }
            />
          </span>
        );
      })}
      {hasMargins && (
        <span
          role="gridcell"
          className="moe-mod-margin"
          onClick={() => choose(current.layerIndex)}
        >
          <Margins layers={layers} row={row} />
        </span>
      )}
    </>
  );
}

/** The expert follows the first choice of the layer. */
function select(
  { selection }: IViewContext,
  { token, layers, row }: IListedToken,
  layerIndex: number,
  isMoving = false
): void {
  const layer = layers[layerIndex];
  const first = layer && segmentsOf(layer, row)?.[0];
  selection.set(
    {
      token: token.index,
      sample: token.sample,
      layerIndex,
      expert: first?.expert
    },
    isMoving ? { moving: 'table' } : {}
  );
}
