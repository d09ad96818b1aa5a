/**
 * Layout of a drawing: rows by rank, the lowest rank at the bottom, and a band behind the rows of each group. Edges pass
 * intermediate rows beside their nodes, so that none crosses a node.
 */
import {
  arrange,
  LANE_GAP,
  NODE_GAP,
  type ArrangedRow,
  type Arrangement
} from './arrange';
import { clip, nodeBox, textWidth, type Box } from './boxes';
import type { DrawnGraph, DrawnNode } from './drawn-graph';
import { fitRow } from './fit-row';

export interface Point {
  x: number;
  y: number;
}

/** A node's box, by its centre. */
export interface PlacedNode extends Box, Point {}

export interface PlacedEdge {
  /** End points of straight segments, in pairs; curves join consecutive segments. */
  points: Point[];
  /** Centre of its label, if the drawing has labels. */
  label?: Point;
}

/** Consecutive rows of a group, and the band behind them. */
export interface PlacedGroup {
  name: string;
  /** Index of the drawing's group. */
  group: number;
  top: number;
  bottom: number;
  /** Indices of nodes, from the highest row, from left to right. */
  rows: number[][];
}

export interface GraphLayout {
  width: number;
  height: number;
  /** From top to bottom. */
  groups: PlacedGroup[];
  /** By index of the drawing's nodes and edges. */
  nodes: PlacedNode[];
  edges: PlacedEdge[];
}

const MAX_NAME_LETTERS = 16;
const NAME_PADDING = 8;
const BAND_PADDING = 5;
/** Margin to the right of the rows, so that lines are not clipped. */
const MARGIN = 4;
/** Share of a row's width for nodes; the rest is for edges that pass it. */
const NODES_SHARE = 0.8;

/**
 * Layout for any width: wider rows are broken, and rows that are still too wide are compressed. Another width that breaks
 * the same rows is cheap.
 */
export function layoutGraph(
  graph: DrawnGraph
): (maxWidth?: number) => GraphLayout {
  const boxes = graph.nodes.map(nodeBox);
  const names = graph.groups.map(name => clip(name, MAX_NAME_LETTERS));
  const longest = Math.max(0, ...names.map(textWidth));
  const gutter = longest === 0 ? 0 : longest + NAME_PADDING;
  let known: { key: string; arrangement: Arrangement } | undefined;
  return (maxWidth = Infinity) => {
    if (graph.nodes.length === 0) {
      return { width: 0, height: 0, groups: [], nodes: [], edges: [] };
    }
    const room = Math.max(1, maxWidth - gutter - MARGIN);
    const rows = breakRows(graph.nodes, boxes, room);
    const key = rows.map(({ length }) => length).join();
    if (known?.key !== key) {
      known = { key, arrangement: arrange(graph, boxes, rows) };
    }
    return place(graph, { ...known.arrangement, boxes, names, gutter, room });
  };
}

/** Indices of nodes, by row. */
function breakRows(
  nodes: readonly DrawnNode[],
  boxes: readonly Box[],
  room: number
): number[][] {
  const ranks = new Map<string, number[]>();
  const inOrder = nodes
    .map((node, i) => ({ ...node, i }))
    .sort((a, b) => a.rank - b.rank || a.group - b.group || a.i - b.i);
  for (const { rank, group, i } of inOrder) {
    const key = `${rank} ${group}`;
    ranks.set(key, [...(ranks.get(key) ?? []), i]);
  }
  const limit = room * NODES_SHARE;
  const fits = (row: readonly number[]): boolean =>
    row.length === 1 ||
    row.reduce((sum, i) => sum + boxes[i].width + NODE_GAP, 0) <= limit;
  return [...ranks.values()].flatMap(members => {
    let rows = [members];
    for (let count = 2; !rows.every(fits); count++) {
      rows = slices(members, Math.ceil(members.length / count));
    }
    return rows;
  });
}

function slices(members: readonly number[], length: number): number[][] {
  return Array.from({ length: Math.ceil(members.length / length) }, (_, i) =>
    members.slice(i * length, (i + 1) * length)
  );
}

interface Placing extends Arrangement {
  boxes: readonly Box[];
  names: readonly string[];
  gutter: number;
  room: number;
}

/** Top and bottom of a row's boxes, and its centre. */
interface RowSpan {
  y: number;
  top: number;
  bottom: number;
}

function place(graph: DrawnGraph, plan: Placing): GraphLayout {
  const { boxes, rows, labels, rowOf, gutter, room, width } = plan;
  const scale = Math.min(1, room / width);
  const fitted = ({ items }: ArrangedRow): [string, number][] =>
    (scale < 1 ? fitRow(items, scale, room, LANE_GAP) : items).map(
      ({ key, x }) => [key, gutter + x]
    );
  const at = new Map(rows.flatMap(fitted));
  const labelAt = new Map(labels.flatMap(fitted));
  const spans = rows.map(spanOf);
  const nodes = boxes.map((box, i): PlacedNode => ({
    ...box,
    x: at.get(String(i))!,
    y: spans[rowOf[i]].y
  }));
  const edges = graph.edges.map(({ from, to }, i): PlacedEdge => {
    const route = plan.routes[i];
    const [start, end] = [nodes[from], nodes[to]];
    const first = { x: start.x, y: start.y - start.height / 2 };
    const last = { x: end.x, y: end.y + end.height / 2 };
    if (!route) {
      return { points: [first, first, last, last] };
    }
    const row = rowOf[from];
    const parts = [
      [first, { x: start.x, y: spans[row].top }],
      ...route.lanes.map((lane, step) =>
        upright(at.get(lane)!, spans[row + 1 + step])
      ),
      [{ x: end.x, y: spans[rowOf[to]].bottom }, last]
    ];
    const x = labelAt.get(String(i));
    if (x === undefined) {
      return { points: parts.flat() };
    }
    const span = spanOf(labels[row + route.ownStep]);
    parts.splice(route.ownStep + 1, 0, upright(x, span));
    return { points: parts.flat(), label: { x, y: span.y } };
  });
  return {
    width:
      MARGIN +
      Math.max(
        gutter + Math.min(width, room),
        ...nodes.map(node => node.x + node.width / 2)
      ),
    height: plan.height + 2 * BAND_PADDING,
    groups: placeGroups(graph, plan, spans, nodes),
    nodes,
    edges
  };
}

function spanOf({ y, height }: ArrangedRow): RowSpan {
  const middle = y + BAND_PADDING;
  return { y: middle, top: middle - height / 2, bottom: middle + height / 2 };
}

/** Straight up through a row. */
function upright(x: number, { top, bottom }: RowSpan): Point[] {
  return [
    { x, y: bottom },
    { x, y: top }
  ];
}

function placeGroups(
  graph: DrawnGraph,
  { rowOf, names }: Placing,
  spans: readonly RowSpan[],
  nodes: readonly PlacedNode[]
): PlacedGroup[] {
  const groups: PlacedGroup[] = [];
  spans.forEach(({ top, bottom }, row) => {
    const members = graph.nodes
      .flatMap((_, i) => (rowOf[i] === row ? i : []))
      .sort((a, b) => nodes[a].x - nodes[b].x);
    const { group } = graph.nodes[members[0]];
    const below = groups[0];
    if (below?.group === group) {
      below.top = top - BAND_PADDING;
      below.rows.unshift(members);
    } else {
      groups.unshift({
        name: names[group],
        group,
        top: top - BAND_PADDING,
        bottom: bottom + BAND_PADDING,
        rows: [members]
      });
    }
  });
  return groups;
}
