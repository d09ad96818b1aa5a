import {
  edgePath,
  edgeWidth,
  layoutGraph,
  type DrawnGraph,
  type GraphLayout,
  type PlacedGroup,
  type PlacedNode
} from 'moe-debugger/charts';
import type { CircuitNode } from 'moe-debugger/protocol';
import { useMemo, useState } from 'react';
import { OWN_KEYS } from '../../drawing';
import { signedFigure } from '../figure-text';
import { drawStage } from './graph-drawing';
import { nextNode } from './graph-moves';
import type { ICircuitProps } from './props';

/** Maximum opacity at which text stays readable. */
const STRONGEST = 60;
/** Pixels from the bottom of a band to the baseline of its name. */
const NAME_RISE = 9;

/** The parts and edges of a circuit. Parts below the threshold are pale and edges hidden; the layout does not change. */
export function GraphPicture(
  props: ICircuitProps & { width: number }
): JSX.Element {
  const { model, trans, width } = props;
  const { stage, drawn, selected, peak } = model;
  const { graph, layout } = useMemo(() => {
    const graph = drawStage(stage, peak, trans);
    return { graph, layout: layoutGraph(graph) };
  }, [stage, peak, trans]);
  const placed = useMemo(() => layout(width), [layout, width]);
  const inside = new Set(drawn.nodes.map(({ id }) => id));
  const isInside = (node: number): boolean => inside.has(stage.nodes[node].id);
  const [current, setCurrent] = useState<string>();
  const focusable = [
    current,
    selected?.id,
    drawn.nodes[drawn.nodes.length - 1]?.id
  ].find(id => id !== undefined && inside.has(id));
  return (
    <svg
      width={placed.width}
      height={placed.height}
      role="group"
      aria-label={graph.title}
      onKeyDown={event => {
        const from = stage.nodes.findIndex(({ id }) => id === focusable);
        const next = nextNode(placed, isInside, event.key, from);
        if (next !== undefined) {
          const { id } = stage.nodes[next];
          event.preventDefault();
          setCurrent(id);
          event.currentTarget
            .querySelector<SVGGElement>(`[data-node="${CSS.escape(id)}"]`)
            ?.focus();
        }
      }}
    >
      {placed.groups.map((group, i) => (
        <Band key={i} group={group} width={placed.width} />
      ))}
      <Edges {...props} graph={graph} placed={placed} isInside={isInside} />
      {stage.nodes.map((node, i) => (
        <Node
          key={node.id}
          {...props}
          node={node}
          placed={placed.nodes[i]}
          isInside={isInside(i)}
          isFocusable={node.id === focusable}
        />
      ))}
    </svg>
  );
}

function Band(props: { group: PlacedGroup; width: number }): JSX.Element {
  const { name, top, bottom } = props.group;
  return (
    <g aria-hidden="true">
      <rect
        className="moe-CircuitGraph-band"
        x={0}
        y={top}
        width={props.width}
        height={bottom - top}
        rx={3}
      />
      <text className="moe-CircuitGraph-row" x={4} y={bottom - NAME_RISE}>
        {name}
      </text>
    </g>
  );
}

function Edges(
  props: ICircuitProps & {
    graph: DrawnGraph;
    placed: GraphLayout;
    isInside: (node: number) => boolean;
  }
): JSX.Element {
  const { model, graph, placed, isInside } = props;
  const { stage, drawn, selected } = model;
  const shown = new Set(drawn.edges);
  const near = stage.nodes.findIndex(({ id }) => id === selected?.id);
  return (
    <g aria-hidden="true" className="moe-CircuitGraph-edges">
      {graph.edges.map((edge, i) => {
        const { from, to, weight, dashed } = edge;
        // Links to experts come after the edges of the circuit.
        const isShown =
          i < stage.edges.length
            ? shown.has(stage.edges[i])
            : isInside(from) && isInside(to);
        const isNear = near < 0 || from === near || to === near;
        return (
          isShown && (
            <path
              key={i}
              d={edgePath(placed.edges[i])}
              className={
                dashed
                  ? 'moe-mod-link'
                  : weight! < 0
                    ? 'moe-mod-negative'
                    : undefined
              }
              strokeWidth={edgeWidth(edge)}
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
    node: CircuitNode;
    placed: PlacedNode;
    isInside: boolean;
    isFocusable: boolean;
  }
): JSX.Element {
  const { model, trans, node, placed, isInside, isFocusable } = props;
  const { x, y, width, height, lines } = placed;
  const share =
    model.nodePeak === 0 || node.effect === null
      ? 0
      : Math.round((STRONGEST * Math.abs(node.effect)) / model.nodePeak);
  const box = (
    <>
      <rect
        x={x - width / 2}
        y={y - height / 2}
        width={width}
        height={height}
        rx={node.kind === 'head' || node.kind === 'expert' ? height / 2 : 3}
        style={{ '--moe-share': `${share}%` } as React.CSSProperties}
      />
      <text x={x} y={y + 4}>
        {lines[0]}
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
