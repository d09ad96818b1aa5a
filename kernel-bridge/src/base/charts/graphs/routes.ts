/** How edges pass the rows between their ends: in lanes, which edges of one node share. */
import type { DrawnEdge } from './drawn-graph';

/** The way of an edge from row to row. */
export interface Route {
  /** The lanes that it takes, one in each row between its ends. */
  lanes: string[];
  /** The step that it shares with no other edge, to hold its label: 0 is the step from its start. */
  ownStep: number;
}

/** More take the layout longer than a person waits. Edges after these run behind nodes. */
const MAX_LANES = 2000;

/**
 * Of each edge; undefined for an edge that does not lead to a later row. Edges share the lanes of the end that more edges
 * have: of their start, up to where each turns off, or of their target, from where each joins.
 */
export function findRoutes(
  edges: readonly DrawnEdge[],
  rowOf: readonly number[]
): (Route | undefined)[] {
  const outgoing = countEnds(edges, ({ from }) => from);
  const incoming = countEnds(edges, ({ to }) => to);
  const lanes = new Set<string>();
  return edges.map(({ from, to }) => {
    const rows = rowOf[to] - rowOf[from];
    if (rows < 1) {
      return undefined;
    }
    const joins = incoming[to] > outgoing[from];
    const own = Array.from(
      { length: rows - 1 },
      (_, i) => `${joins ? `to ${to}` : `from ${from}`} ${rowOf[from] + 1 + i}`
    );
    const added = own.filter(lane => !lanes.has(lane));
    if (lanes.size + added.length > MAX_LANES) {
      return undefined;
    }
    added.forEach(lane => lanes.add(lane));
    return { lanes: own, ownStep: joins ? 0 : rows - 1 };
  });
}

function countEnds(
  edges: readonly DrawnEdge[],
  end: (edge: DrawnEdge) => number
): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const edge of edges) {
    counts[end(edge)] = (counts[end(edge)] ?? 0) + 1;
  }
  return counts;
}
