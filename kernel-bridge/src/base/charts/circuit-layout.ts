/** Where the nodes of a circuit stand when they are drawn in columns, from the embeddings on the left to the target. */
import type { CircuitEdge, CircuitNode, PrunedCircuit } from '../protocol';

export interface PlacedNode {
  node: CircuitNode;
  /** The middle of its box. */
  x: number;
  y: number;
}

export interface PlacedEdge {
  edge: CircuitEdge;
  from: PlacedNode;
  to: PlacedNode;
}

export interface CircuitPlan {
  width: number;
  height: number;
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  /** From what reads the stream for a node to that node. */
  links: { from: PlacedNode; to: PlacedNode }[];
}

export interface CircuitSpacing {
  column: number;
  row: number;
}

const SPACING: CircuitSpacing = { column: 190, row: 44 };

/**
 * Nodes of the same rank share a column; within it they stand where the nodes that they read stand on average, so that
 * fewer edges cross.
 */
export function layoutCircuit(
  { nodes, edges }: PrunedCircuit,
  { column, row }: CircuitSpacing = SPACING
): CircuitPlan {
  const ranks = [...new Set(nodes.map(({ rank }) => rank))].sort(
    (a, b) => a - b
  );
  const columns = ranks.map(rank => nodes.filter(node => node.rank === rank));
  const tallest = Math.max(0, ...columns.map(({ length }) => length));
  const height = tallest * row;
  const incoming = new Map<string, string[]>();
  for (const { from, to } of edges) {
    incoming.set(to, [...(incoming.get(to) ?? []), from]);
  }
  const placed = new Map<string, PlacedNode>();
  columns.forEach((own, i) => {
    const wanted = own.map((node, place) => {
      const ys = [
        ...(incoming.get(node.id) ?? []),
        ...(node.within === undefined ? [] : [node.within])
      ].flatMap(id => placed.get(id)?.y ?? []);
      return {
        node,
        place,
        y:
          ys.length === 0
            ? height / 2
            : ys.reduce((sum, y) => sum + y, 0) / ys.length
      };
    });
    const top = (height - own.length * row) / 2;
    wanted
      .sort((a, b) => a.y - b.y || a.place - b.place)
      .forEach(({ node }, line) =>
        placed.set(node.id, {
          node,
          x: (i + 0.5) * column,
          y: top + (line + 0.5) * row
        })
      );
  });
  const at = (id: string | undefined): PlacedNode[] => {
    const found = id === undefined ? undefined : placed.get(id);
    return found ? [found] : [];
  };
  return {
    width: ranks.length * column,
    height,
    nodes: [...placed.values()],
    edges: edges.flatMap(edge =>
      at(edge.from).flatMap(from => at(edge.to).map(to => ({ edge, from, to })))
    ),
    links: [...placed.values()].flatMap(to =>
      at(to.node.within).map(from => ({ from, to }))
    )
  };
}
