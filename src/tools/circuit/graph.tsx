import type { CircuitNode } from 'moe-debugger/protocol';
import { useEffect, useMemo, useRef, useState } from 'react';
import { OWN_KEYS } from '../../routing/own-keys';
import { figureText, signedFigure } from '../figure-text';
import { Slider } from '../slider';
import {
  NODE_HEIGHT,
  edgePath,
  layoutRows,
  type ICircuitLayout,
  type IPlacedNode,
  type IRow
} from './layout';
import { MOST_DRAWN } from './model';
import type { ICircuitProps } from './view';

/** Of the strongest edge, in pixels. */
const WIDEST = 5;
/** Text is to be read on the strongest colour. */
const STRONGEST = 60;

/** The slider, and the circuit that it leaves. */
export function CircuitGraph(props: ICircuitProps): JSX.Element {
  const [width, setWidth] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.floor(entry.contentRect.width))
    );
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  return (
    <>
      <Threshold {...props} />
      <div ref={box} className="moe-CircuitGraph">
        {width > 0 && <Picture {...props} width={width} />}
      </div>
      <Legend {...props} />
    </>
  );
}

function Threshold({ model, trans }: ICircuitProps): JSX.Element {
  const { sizes, size, threshold, pruned, drawn } = model;
  const { edges, edgesLeftOut } = model.state.circuit!;
  const hasEdges = edges.length > 0;
  const at = Math.max(0, sizes.filter(own => own <= size).length - 1);
  const count = hasEdges
    ? trans._n('%1 edge', '%1 edges', pruned.edges.length)
    : '';
  const parts = trans._n('%1 part', '%1 parts', pruned.nodes.length);
  const words = [
    trans.__('effects of %1 or more', figureText(threshold)),
    count,
    parts
  ]
    .filter(Boolean)
    .join(', ');
  return (
    <div className="moe-CircuitThreshold">
      <label className="moe-LensLayer">
        <span>{trans.__('Threshold')}</span>
        <Slider
          label={trans.__('Threshold')}
          // To the right it rises, and less is left.
          value={sizes.length - 1 - at}
          min={0}
          max={Math.max(0, sizes.length - 1)}
          disabled={sizes.length < 2}
          text={words}
          change={value => {
            model.size = sizes[sizes.length - 1 - value];
          }}
        />
        <span className="moe-mod-number">{figureText(threshold)}</span>
      </label>
      <p role="status">
        {[
          hasEdges
            ? trans.__(
                '%1 of %2, %3',
                count,
                edges.length + edgesLeftOut,
                parts
              )
            : trans.__('%1 of %2', parts, model.state.circuit!.nodes.length),
          ...faithfulness(model, trans)
        ].join(' · ')}
      </p>
      {drawn.edges.length < pruned.edges.length && (
        <p>
          {trans.__(
            'Too many to draw: these are the strongest %1 edges.',
            drawn.edges.length
          )}
        </p>
      )}
      {!hasEdges && drawn.nodes.length < pruned.nodes.length && (
        <p>
          {trans.__(
            'Too many to draw: these are the strongest %1 parts.',
            MOST_DRAWN
          )}
        </p>
      )}
    </div>
  );
}

/** How much of the model what is left does, where that was measured. */
function faithfulness(
  model: ICircuitProps['model'],
  trans: ICircuitProps['trans']
): string[] {
  const found = model.faithfulness;
  if (!found) {
    return [trans.__('faithfulness not measured')];
  }
  const { point, isSmaller } = found;
  const share = shareText(point.faithfulness);
  return [
    isSmaller
      ? trans.__('faithfulness %1, measured at %2', share, point.size)
      : trans.__('faithfulness %1', share),
    ...(point.random
      ? [
          trans.__(
            'at random %1 ± %2',
            shareText(point.random.mean),
            shareText(point.random.deviation)
          )
        ]
      : [])
  ];
}

function shareText(share: number | null): string {
  return share === null
    ? '–'
    : share
        .toFixed(3)
        .replace(/^-(?=0\.0+$)/, '')
        .replace('-', '−');
}

function Picture(props: ICircuitProps & { width: number }): JSX.Element {
  const { model, trans, width } = props;
  const { stage, drawn, selected } = model;
  const layout = useMemo(() => layoutRows(stage, width), [stage, width]);
  const inside = new Set(drawn.nodes.map(({ id }) => id));
  const [current, setCurrent] = useState<string>();
  const focusable = [
    current,
    selected?.id,
    drawn.nodes[drawn.nodes.length - 1]?.id
  ].find(id => id !== undefined && inside.has(id));
  return (
    <svg
      width={width}
      height={layout.height}
      role="group"
      aria-label={trans.__('Circuit')}
      onKeyDown={event => {
        const next = move(layout, inside, event.key, focusable);
        if (next) {
          event.preventDefault();
          setCurrent(next);
          event.currentTarget
            .querySelector<SVGGElement>(`[data-node="${CSS.escape(next)}"]`)
            ?.focus();
        }
      }}
    >
      {layout.rows.map((row, i) => (
        <Band key={i} row={row} width={width} trans={trans} />
      ))}
      <Edges {...props} layout={layout} />
      {[...layout.nodes.values()].map(placed => (
        <Node
          key={placed.node.id}
          {...props}
          placed={placed}
          isInside={inside.has(placed.node.id)}
          isFocusable={placed.node.id === focusable}
        />
      ))}
    </svg>
  );
}

function Band(props: {
  row: IRow;
  width: number;
  trans: ICircuitProps['trans'];
}): JSX.Element {
  const { row, width, trans } = props;
  const { layer, kind, top, bottom } = row;
  const name =
    layer === undefined
      ? ''
      : kind === 'attention'
        ? trans.__('%1 attn', layer)
        : kind === 'experts'
          ? trans.__('%1 experts', layer)
          : String(layer);
  return (
    <g aria-hidden="true">
      <rect
        className="moe-CircuitGraph-band"
        x={0}
        y={top}
        width={width}
        height={bottom - top}
        rx={3}
      />
      <text className="moe-CircuitGraph-row" x={4} y={top + 16}>
        {name}
      </text>
    </g>
  );
}

function Edges(props: ICircuitProps & { layout: ICircuitLayout }): JSX.Element {
  const { model, layout } = props;
  const { drawn, peak, selected } = model;
  return (
    <g aria-hidden="true" className="moe-CircuitGraph-edges">
      {drawn.edges.map(({ from, to, input, effect }) => {
        const [start, end] = [layout.nodes.get(from), layout.nodes.get(to)];
        const isNear = !selected || from === selected.id || to === selected.id;
        return (
          start &&
          end && (
            <path
              key={`${from}/${to}/${input}`}
              d={edgePath(start, end)}
              className={effect < 0 ? 'moe-mod-negative' : undefined}
              strokeWidth={0.5 + (WIDEST * Math.abs(effect)) / (peak || 1)}
              strokeOpacity={isNear ? 0.75 : 0.12}
            />
          )
        );
      })}
    </g>
  );
}

function Node(
  props: ICircuitProps & {
    placed: IPlacedNode;
    isInside: boolean;
    isFocusable: boolean;
  }
): JSX.Element {
  const { model, trans, placed, isInside, isFocusable } = props;
  const { node, label, x, y, width } = placed;
  const share =
    model.nodePeak === 0 || node.effect === null
      ? 0
      : Math.round((STRONGEST * Math.abs(node.effect)) / model.nodePeak);
  const box = (
    <>
      <rect
        x={x - width / 2}
        y={y - NODE_HEIGHT / 2}
        width={width}
        height={NODE_HEIGHT}
        rx={node.kind === 'head' || node.kind === 'expert' ? 9 : 3}
        style={{ '--moe-share': `${share}%` } as React.CSSProperties}
      />
      <text x={x} y={y + 4}>
        {label}
      </text>
    </>
  );
  if (!isInside) {
    return (
      <g aria-hidden="true" className="moe-CircuitNode moe-mod-outside">
        {box}
      </g>
    );
  }
  const isSelected = model.selected?.id === node.id;
  const words = describe(node, trans);
  const select = () => {
    model.selected = isSelected ? undefined : node;
  };
  return (
    <g
      {...OWN_KEYS}
      className={`moe-CircuitNode${(node.effect ?? 0) < 0 ? ' moe-mod-negative' : ''}`}
      data-node={node.id}
      role="button"
      tabIndex={isFocusable ? 0 : -1}
      aria-label={words}
      aria-pressed={isSelected}
      onClick={select}
      onKeyDown={event => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          event.stopPropagation();
          select();
        }
      }}
    >
      <title>{words}</title>
      {box}
    </g>
  );
}

function describe(
  { id, effect }: CircuitNode,
  trans: ICircuitProps['trans']
): string {
  return effect === null
    ? id
    : trans.__('%1, effect %2', id, signedFigure(effect));
}

function Legend({ model, trans }: ICircuitProps): JSX.Element {
  const hasEdges = model.state.circuit!.edges.length > 0;
  return (
    <p className="moe-CircuitLegend">
      {hasEdges && (
        <>
          <svg width="26" height="8" aria-hidden="true">
            <path d="M1 4H25" strokeWidth="3" />
          </svg>
          {trans.__('raises the target')}
          <svg width="26" height="8" aria-hidden="true">
            <path className="moe-mod-negative" d="M1 4H25" strokeWidth="3" />
          </svg>
          {trans.__('lowers it')}
        </>
      )}
      <span>{trans.__('Click a part, or use the arrow keys and Enter.')}</span>
    </p>
  );
}

/** The next part in a direction, of those inside the circuit. */
function move(
  { rows, nodes }: ICircuitLayout,
  inside: ReadonlySet<string>,
  key: string,
  from: string | undefined
): string | undefined {
  const start = from === undefined ? undefined : nodes.get(from);
  if (!start) {
    return undefined;
  }
  const open = rows
    .map(row => row.nodes.filter(({ node }) => inside.has(node.id)))
    .filter(row => row.length > 0);
  const y = open.findIndex(row => row.includes(start));
  const x = open[y]?.indexOf(start) ?? 0;
  switch (key) {
    case 'ArrowLeft':
      return open[y]?.[x - 1]?.node.id;
    case 'ArrowRight':
      return open[y]?.[x + 1]?.node.id;
    case 'ArrowUp':
      return nearest(open[y - 1], start);
    case 'ArrowDown':
      return nearest(open[y + 1], start);
    default:
      return undefined;
  }
}

function nearest(
  row: readonly IPlacedNode[] | undefined,
  { x }: IPlacedNode
): string | undefined {
  return row?.reduce((best, own) =>
    Math.abs(own.x - x) < Math.abs(best.x - x) ? own : best
  ).node.id;
}
