import { useVirtualizer } from '@tanstack/react-virtual';
import { layerName, type OutlineRouter } from 'moe-debugger/protocol';
import { useId, useLayoutEffect, useRef, type KeyboardEvent } from 'react';
import { OWN_KEYS } from '../../drawing';
import type { IViewContext } from '../context';
import { leanClass, leanOf } from '../lean';
import { decimals, percent } from '../words';
import type { ITreeRow } from './rows';
import { shortNumber } from './sizes';

const ROW = 22;
const JUMP = 20;

interface ITreeProps {
  context: IViewContext;
  rows: readonly ITreeRow[];
  /** Key of the selected row. */
  selected: string | undefined;
  select: (row: ITreeRow) => void;
  toggle: (key: string, isOpen: boolean) => void;
}

/** The parts of a model as a tree. Only the rows in view are elements. */
export function ElementTree({
  context,
  rows,
  selected,
  select,
  toggle
}: ITreeProps): JSX.Element {
  const { trans } = context;
  const scroll = useRef<HTMLDivElement>(null);
  const id = useId();
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW,
    overscan: 8
  });
  const at = rows.findIndex(({ key }) => key === selected);
  useLayoutEffect(() => {
    if (at >= 0) {
      virtualizer.scrollToIndex(at, { align: 'auto' });
    }
  }, [at]);
  const go = (index: number): void => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (row) {
      select(row);
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const row = rows[at];
    const handled = ((): boolean => {
      switch (event.key) {
        case 'ArrowDown':
          go(at + 1);
          return true;
        case 'ArrowUp':
          go(at < 0 ? 0 : at - 1);
          return true;
        case 'PageDown':
          go(at + JUMP);
          return true;
        case 'PageUp':
          go(at - JUMP);
          return true;
        case 'Home':
          go(0);
          return true;
        case 'End':
          go(rows.length - 1);
          return true;
        case 'ArrowRight':
          if (row?.hasChildren && !row.isOpen) {
            toggle(row.key, true);
          } else if (row?.isOpen) {
            go(at + 1);
          }
          return true;
        case 'ArrowLeft':
          if (row?.isOpen) {
            toggle(row.key, false);
          } else if (row?.parent !== undefined) {
            go(rows.findIndex(({ key }) => key === row.parent));
          }
          return true;
        case 'Enter':
        case ' ':
          if (row?.hasChildren) {
            toggle(row.key, !row.isOpen);
          }
          return true;
        default:
          return false;
      }
    })();
    if (handled) {
      event.preventDefault();
    }
  };
  return (
    <div
      {...OWN_KEYS}
      ref={scroll}
      className="moe-ElementTree"
      role="tree"
      tabIndex={0}
      aria-label={trans.__('Parts of the model')}
      aria-activedescendant={at < 0 ? undefined : `${id}-${at}`}
      onKeyDown={onKeyDown}
    >
      <div style={{ height: virtualizer.getTotalSize() }} role="presentation">
        {virtualizer.getVirtualItems().map(({ index, start }) => {
          const row = rows[index];
          return (
            <div
              key={row.key}
              id={`${id}-${index}`}
              role="treeitem"
              aria-level={row.depth + 1}
              aria-selected={index === at}
              aria-expanded={row.hasChildren ? row.isOpen : undefined}
              className="moe-ElementTree-row"
              style={{
                transform: `translateY(${start}px)`,
                paddingLeft: 6 + 14 * row.depth
              }}
              onClick={() => select(row)}
              onDoubleClick={() =>
                row.hasChildren && toggle(row.key, !row.isOpen)
              }
            >
              <i
                aria-hidden
                className="moe-ElementTree-twist"
                onClick={event => {
                  event.stopPropagation();
                  if (row.hasChildren) {
                    toggle(row.key, !row.isOpen);
                  }
                }}
              >
                {row.hasChildren ? (row.isOpen ? '▾' : '▸') : ''}
              </i>
              <RowText context={context} row={row} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function RowText({
  context,
  row
}: {
  context: IViewContext;
  row: ITreeRow;
}): JSX.Element {
  const { trans } = context;
  const { element, expert } = row;
  const router = routerOf(context, row);
  if (expert !== undefined) {
    const load =
      router && router.tokens > 0
        ? router.counts[expert] / router.tokens
        : undefined;
    return (
      <>
        {router && (
          <i className={`moe-Swatch ${leanClass(leanOf(router, expert))}`} />
        )}
        <span className="moe-ElementTree-name">
          {trans.__('expert %1', expert)}
        </span>
        {load !== undefined && (
          <span className="moe-ElementTree-load">
            <span aria-hidden>
              <i style={{ width: `${Math.min(100, 100 * load)}%` }} />
            </span>
            <b>{percent(load)}</b>
          </span>
        )}
      </>
    );
  }
  return (
    <>
      <span className="moe-ElementTree-name">{element.name}</span>
      <small>
        {element.kind === 'experts' && router?.balance !== null && router
          ? trans.__('balance %1', decimals(router.balance ?? NaN))
          : shortNumber(element.parameters)}
      </small>
    </>
  );
}

/** The router of a row in the selected trace; undefined where the trace does not have it. */
export function routerOf(
  { source }: IViewContext,
  { element: { place } }: Pick<ITreeRow, 'element'>
): OutlineRouter | undefined {
  return (
    place &&
    source.outline?.routers.find(own => layerName(own) === layerName(place))
  );
}
