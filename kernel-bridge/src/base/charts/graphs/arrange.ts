/** The order in each row and the positions, by dagre. The rows are given: dagre only orders and places. */
import { lazily } from '../../lazily';
import { LABEL_HEIGHT, textWidth, type Box } from './boxes';
import type { DrawnGraph } from './drawn-graph';
import type { RowItem } from './fit-row';
import { findRoutes, type Route } from './routes';

export interface ArrangedRow {
  /** Centre. */
  y: number;
  height: number;
  /** Nodes, by index, and lanes, by name, from left to right. */
  items: RowItem[];
}

export interface Arrangement {
  width: number;
  height: number;
  /** From bottom to top. */
  rows: ArrangedRow[];
  /** Edge labels above each row, by edge index, from left to right. */
  labels: ArrangedRow[];
  rowOf: number[];
  routes: (Route | undefined)[];
}

/** Gap between nodes of a row; edges that pass a row have a smaller one. */
export const NODE_GAP = 9;
export const LANE_GAP = 3;
const ROW_GAP = 22;

/** Its types are for ES modules only. */
const dagre = lazily(
  () =>
    require('@dagrejs/dagre') as typeof import('@dagrejs/dagre', {
      with: { 'resolution-mode': 'import' }
    })
);

/** @param rows indices of nodes, from the lowest row */
export function arrange(
  { nodes, edges, edgesShow }: DrawnGraph,
  boxes: readonly Box[],
  rows: readonly (readonly number[])[]
): Arrangement {
  const rowOf = new Array<number>(nodes.length).fill(0);
  rows.forEach((row, r) => row.forEach(i => (rowOf[i] = r)));
  const routes = findRoutes(edges, rowOf);
  const { Graph, layout } = dagre();
  const graph = new Graph({ multigraph: true });
  graph.setGraph({
    rankdir: 'BT',
    ranker: 'none',
    nodesep: LANE_GAP,
    edgesep: LANE_GAP,
    ranksep: ROW_GAP
  });
  const members: string[][] = rows.map(() => []);
  // The ranks between rows hold labels.
  const add = (key: string, row: number, size: object): void => {
    if (!graph.hasNode(key)) {
      graph.setNode(key, { ...size, rank: 2 * row });
      members[row].push(key);
    }
  };
  boxes.forEach(({ width, height }, i) =>
    // dagre has a single gap, used for edges.
    add(String(i), rowOf[i], { width: width + NODE_GAP - LANE_GAP, height })
  );
  const labelled = rows.map((): [string, EdgeKey][] => []);
  edges.forEach(({ from, to, label }, edge) => {
    const route = routes[edge];
    if (!route) {
      return;
    }
    const { lanes, ownStep } = route;
    lanes.forEach((lane, i) => add(lane, rowOf[from] + 1 + i, {}));
    const stops = [String(from), ...lanes, String(to)];
    stops.slice(1).forEach((stop, step) => {
      if (edgesShow === 'labels' && step === ownStep) {
        const key = { v: stops[step], w: stop, name: String(edge) };
        labelled[rowOf[from] + step].push([String(edge), key]);
        graph.setEdge(key, {
          width: textWidth(label),
          height: LABEL_HEIGHT,
          labelpos: 'c'
        });
      } else {
        graph.setEdge(stops[step], stop, {});
      }
    });
  });
  layout(graph);
  const item = (
    key: string,
    { x, width = 0 }: { x: number; width?: number }
  ): RowItem => ({ key, x, half: width / 2 });
  return {
    width: graph.graph().width,
    height: graph.graph().height,
    rows: rows.map((row, r) => ({
      y: graph.node(members[r][0]).y,
      height: Math.max(...row.map(i => boxes[i].height)),
      items: members[r].map(key => item(key, graph.node(key))).sort(byX)
    })),
    labels: labelled.map(own => ({
      y: own.length > 0 ? graph.edge(own[0][1]).y : 0,
      height: LABEL_HEIGHT,
      items: own.map(([edge, key]) => item(edge, graph.edge(key))).sort(byX)
    })),
    rowOf,
    routes
  };
}

interface EdgeKey {
  v: string;
  w: string;
  name: string;
}

function byX(a: RowItem, b: RowItem): number {
  return a.x - b.x;
}
