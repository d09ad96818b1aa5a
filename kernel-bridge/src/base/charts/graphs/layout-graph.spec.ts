import {
  crossedNodes,
  looseEdges,
  misplacedRanks,
  outside,
  overlaps
} from '../../../../test/drawing-checks';
import type { DrawnEdge, DrawnGraph, DrawnNode } from './drawn-graph';
import { layoutGraph } from './layout-graph';

const NOTHING: DrawnGraph = {
  name: 'graph',
  title: '',
  edgesShow: 'weights',
  groups: [''],
  nodes: [],
  edges: []
};

function node(text: string, rank: number, group = 0): DrawnNode {
  return { lines: [text], details: [], rank, group, strong: false };
}

function edge(from: number, to: number, label = ''): DrawnEdge {
  return { from, to, label, dashed: false, weight: 1 };
}

/** Nothing of these may be found in any drawing. */
function faults(
  graph: DrawnGraph,
  width?: number
): Record<string, readonly unknown[]> {
  const layout = layoutGraph(graph)(width);
  return {
    overlaps: overlaps(layout.nodes),
    crossed: crossedNodes(graph, layout),
    loose: looseEdges(graph, layout),
    misplaced: misplacedRanks(graph, layout),
    outside: outside(layout)
  };
}

const NO_FAULTS = {
  overlaps: [],
  crossed: [],
  loose: [],
  misplaced: [],
  outside: []
};

/** A layer of 12 experts between two heads and the logits. */
const CIRCUIT: DrawnGraph = {
  ...NOTHING,
  groups: ['', '0 attn', '0 experts', ''],
  nodes: [
    node('embedding', 0),
    node('0', 2, 1),
    node('1', 2, 1),
    node('experts', 4, 2),
    ...Array.from({ length: 12 }, (_, i) => node(String(i), 5, 2)),
    node('logits', 9, 3)
  ],
  edges: [
    edge(0, 1),
    edge(0, 2),
    edge(0, 3),
    edge(0, 16),
    edge(1, 3),
    edge(1, 16),
    ...Array.from({ length: 12 }, (_, i) => edge(3, 4 + i)),
    ...Array.from({ length: 12 }, (_, i) => edge(4 + i, 16))
  ]
};

describe('layoutGraph', () => {
  it('has the last rank at the top, and a band for each group', () => {
    const { nodes, groups, height } = layoutGraph(CIRCUIT)(900);
    const text = (i: number): string => nodes[i].lines[0];
    expect(
      groups.map(({ name, rows }) => [name, rows.map(row => row.map(text))])
    ).toEqual([
      ['', [['logits']]],
      [
        '0 experts',
        [
          expect.arrayContaining(
            Array.from({ length: 12 }, (_, i) => String(i))
          ),
          ['experts']
        ]
      ],
      ['0 attn', [expect.arrayContaining(['0', '1'])]],
      ['', [['embedding']]]
    ]);
    expect(groups[0].top).toBe(0);
    expect(groups[3].bottom).toBe(height);
    expect(groups.slice(1).map(({ top }, i) => top > groups[i].bottom)).toEqual(
      [true, true, true]
    );
    // Rows in a band, from left to right.
    expect(
      groups.flatMap(({ rows, top, bottom }) =>
        rows.flatMap(row =>
          row.map(
            (own, i) =>
              nodes[own].y > top &&
              nodes[own].y < bottom &&
              (i === 0 || nodes[row[i - 1]].x < nodes[own].x)
          )
        )
      )
    ).toEqual(new Array(17).fill(true));
  });

  it.each([170, 230, 600, 1200, undefined])(
    'fits %s pixels; nothing overlaps, and no edge runs through a node',
    width => {
      expect(faults(CIRCUIT, width)).toEqual(NO_FAULTS);
      const layout = layoutGraph(CIRCUIT)(width);
      expect(layout.width).toBeLessThanOrEqual(width ?? Infinity);
    }
  );

  it('breaks a row that is too wide, and only that', () => {
    const rows = (width: number): number[][] =>
      layoutGraph(CIRCUIT)(width).groups.map(group =>
        group.rows.map(({ length }) => length)
      );
    expect(rows(600)).toEqual([[1], [12, 1], [2], [1]]);
    // 12 nodes of 24 pixels and their gaps; 70 pixels are for names and a margin, and a fifth of the rest for edges.
    expect(rows(70 + 495)).toEqual([[1], [12, 1], [2], [1]]);
    expect(rows(70 + 490)).toEqual([[1], [6, 6, 1], [2], [1]]);
    expect(rows(170)).toEqual([[1], [2, 2, 2, 2, 2, 2, 1], [2], [1]]);
  });

  it('gives a node that is wider than the picture a row of its own', () => {
    const { nodes, width } = layoutGraph(CIRCUIT)(10);
    expect(new Set(nodes.map(({ y }) => y)).size).toBe(nodes.length);
    expect(width).toBeGreaterThan(66);
    expect(overlaps(nodes)).toEqual([]);
  });

  it('crosses no edges that need not cross', () => {
    const { nodes } = layoutGraph({
      ...NOTHING,
      nodes: [0, 0, 0, 1, 1, 1].map((rank, i) => node(String(i), rank)),
      edges: [edge(0, 5), edge(1, 4), edge(2, 3)]
    })();
    const order = (...of: number[]): number[] =>
      [...of].sort((a, b) => nodes[a].x - nodes[b].x);
    expect(order(5, 4, 3)).toEqual(order(0, 1, 2).map(i => 5 - i));
  });

  it('leads edges of one node along one way, up to where each turns off', () => {
    const { edges } = layoutGraph({
      ...NOTHING,
      nodes: [0, 1, 2, 3, 3].map((rank, i) => node(String(i), rank)),
      edges: [edge(0, 1), edge(1, 2), edge(0, 3), edge(0, 4)]
    })();
    const [left, right] = [edges[2].points, edges[3].points];
    // The start, two rows that are passed, and the two targets.
    expect(left).toHaveLength(8);
    expect(left.slice(0, 6)).toEqual(right.slice(0, 6));
    expect(left[7]).not.toEqual(right[7]);
  });

  it('leads edges to one node along one way from where each joins', () => {
    const { edges } = layoutGraph({
      ...NOTHING,
      nodes: [0, 0, 1, 2, 3].map((rank, i) => node(String(i), rank)),
      edges: [edge(0, 4), edge(1, 4), edge(2, 3), edge(3, 4)]
    })();
    const [left, right] = [edges[0].points, edges[1].points];
    expect(left).toHaveLength(8);
    expect(left.slice(2)).toEqual(right.slice(2));
    expect(left[0]).not.toEqual(right[0]);
  });

  it('has labels on their edges, and none over a node or another', () => {
    const graph: DrawnGraph = {
      ...NOTHING,
      edgesShow: 'labels',
      nodes: [
        node('edit', 0),
        ...Array.from({ length: 6 }, (_, i) =>
          node(`expert ${i}`, 1 + (i % 3))
        ),
        node('output', 4)
      ],
      edges: [
        ...Array.from({ length: 6 }, (_, i) => edge(0, 1 + i, `+${i}`)),
        ...Array.from({ length: 6 }, (_, i) => edge(1 + i, 7, `KL 0.0${i}`)),
        edge(0, 7, 'KL 1'),
        edge(0, 7, 'not finite'),
        edge(1, 2, '-3')
      ]
    };
    expect(faults(graph)).toEqual(NO_FAULTS);
    const { nodes, edges } = layoutGraph(graph)();
    const labels = edges.map(({ label }, i) => ({
      x: label!.x,
      y: label!.y,
      width: 6 * graph.edges[i].label.length,
      height: 10
    }));
    expect(overlaps([...nodes, ...labels])).toEqual([]);
    const on = edges.map(({ points, label }) =>
      points.some(({ x, y }) => x === label!.x && Math.abs(y - label!.y) <= 6)
    );
    expect(on).toEqual(new Array(15).fill(true));
  });

  it('is the same each time, whatever was laid out before', () => {
    const first = layoutGraph(CIRCUIT)(500);
    const again = layoutGraph(CIRCUIT);
    again(200);
    layoutGraph({
      ...CIRCUIT,
      nodes: [...CIRCUIT.nodes].reverse(),
      edges: CIRCUIT.edges.map(({ from, to }) => edge(16 - from, 16 - to))
    })(500);
    expect(again(500)).toEqual(first);
  });

  it('draws edges that lead nowhere higher, but not along rows', () => {
    const graph: DrawnGraph = {
      ...NOTHING,
      nodes: [node('a', 0), node('b', 0), node('c', 1)],
      edges: [edge(0, 1), edge(2, 0), edge(1, 1)]
    };
    const layout = layoutGraph(graph)();
    expect(looseEdges(graph, layout)).toEqual([]);
    expect(layout.edges.map(({ points }) => points.length)).toEqual([4, 4, 4]);
  });

  it('ends in bounded time, whatever the number of rows', () => {
    const ROWS = 400;
    const graph: DrawnGraph = {
      ...NOTHING,
      nodes: Array.from({ length: ROWS }, (_, i) => node(String(i), i)),
      edges: Array.from({ length: ROWS / 2 }, (_, i) => edge(i, ROWS - 1 - i))
    };
    const before = process.cpuUsage();
    const layout = layoutGraph(graph)();
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10);
    expect(looseEdges(graph, layout)).toEqual([]);
    expect(misplacedRanks(graph, layout)).toEqual([]);
  });

  it('cuts long lines', () => {
    const { nodes } = layoutGraph({
      ...NOTHING,
      nodes: [node('😀'.repeat(600), 0), node('a', 0)]
    })();
    expect(nodes[0].lines).toEqual([`${'😀'.repeat(39)}…`]);
    expect(nodes[0].width).toBeLessThan(300);
    expect(overlaps(nodes)).toEqual([]);
  });

  it('is empty for nothing', () => {
    expect(layoutGraph(NOTHING)(100)).toEqual({
      width: 0,
      height: 0,
      groups: [],
      nodes: [],
      edges: []
    });
  });
});
