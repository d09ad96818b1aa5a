/** Routes edges through the rows between their ends, in lanes that edges of one node share. */
import type { DrawnEdge } from './drawn-graph';

/** Route of an edge from row to row. */
export interface Route {
  /** Its lanes, one in each row between its ends. */
  lanes: string[];
  /** The step that it shares with no other edge, for its label: 0 is the step from its start. */
  ownStep: number;
}

/** Limits the time of the layout. Edges beyond it run behind nodes. */
const MAX_LANES = 2000;

/**
 * One route per edge; undefined for an edge that does not lead to a later row. Edges share the lanes of the end that has
 * more edges: of their start, until each branches off, or of their target, from where each joins.
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
