/** Experts that a graph replaces after the choice: those of a skip class, over capacity, of padding. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { viewsOf } from '../onnx/graph/no-ops';
import { reachesExperts } from './dispatch';

/** A Where, and what limits indices to those of experts. */
const REPLACES = new Set(['Where', 'Clip', 'Min', 'Max']);
/** Operators that read a choice as the place of an expert. */
const READS_PLACES = new Set([
  'OneHot',
  'ScatterElements',
  'ScatterND',
  'Gather',
  'GatherND'
]);
const MAX_REPLACEMENTS = 4;

/**
 * The tensor of the experts that are applied, shaped as `indices`; undefined when these are the chosen ones.
 * @param indices the choice
 */
export function appliedIds(graph: Graph, indices: string): string | undefined {
  let applied: string | undefined;
  for (let step = 0; step < MAX_REPLACEMENTS; step++) {
    const views = viewsOf(graph, applied ?? indices);
    const readers = views.flatMap(view =>
      graph.consumers(view).map(node => ({ node, view }))
    );
    // Where the choice itself is applied too, what else is computed from it is beside the experts.
    const replaced = readers.filter(({ node, view }) =>
      replaces(graph, node, view)
    );
    if (
      replaced.length !== 1 ||
      readers.some(({ node, view }) => readsPlaces(graph, node, view))
    ) {
      return applied;
    }
    [applied] = replaced[0].node.outputs;
  }
  return applied;
}

function replaces(graph: Graph, node: GraphNode, view: string): boolean {
  const { op, inputs, outputs } = node;
  return (
    REPLACES.has(op) &&
    (op === 'Where' ? inputs.slice(1) : inputs).includes(view) &&
    reachesExperts(graph, outputs)
  );
}

/** True for a reader that sends tokens to the chosen experts; scores that are gathered do not. */
function readsPlaces(graph: Graph, { op, inputs }: GraphNode, view: string) {
  return (
    (READS_PLACES.has(op) &&
      inputs[1] === view &&
      (op.startsWith('Scatter') || graph.weightOf(inputs[0]) !== undefined)) ||
    (op === 'OneHot' && inputs[0] === view)
  );
}
