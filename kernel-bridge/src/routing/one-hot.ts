/** One-hot forms of a choice: [..., experts], one where the expert was chosen. */
import type { Graph, GraphNode } from '../graph/graph';

const VIEWS = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Unsqueeze',
  'Squeeze',
  'Flatten'
]);
const MAX_STEPS = 6;

/** All tensors that show the choice `indices` as ones and zeros, past casts: OneHot, or Equal with 0, 1, 2, ... */
export function oneHotsOf(graph: Graph, indices: string): string[] {
  return viewsOf(graph, indices).flatMap(view =>
    graph
      .consumers(view)
      .filter(node => isOneHot(graph, node, view))
      .flatMap(node => viewsOf(graph, node.outputs[0]))
  );
}

/** A tensor and all that casts and reshapes make of it. */
export function viewsOf(graph: Graph, tensor: string): string[] {
  const views = [tensor];
  let frontier = [tensor];
  for (let step = 0; step < MAX_STEPS && frontier.length > 0; step++) {
    frontier = frontier.flatMap(name =>
      graph
        .consumers(name)
        .filter(({ op, inputs }) => VIEWS.has(op) && inputs[0] === name)
        .map(({ outputs }) => outputs[0])
    );
    views.push(...frontier);
  }
  return views;
}

function isOneHot(graph: Graph, node: GraphNode, indices: string): boolean {
  if (node.op === 'OneHot') {
    return node.inputs[0] === indices;
  }
  if (node.op !== 'Equal') {
    return false;
  }
  const other = node.inputs[0] === indices ? node.inputs[1] : node.inputs[0];
  return graph.constantValues(other)?.every((value, i) => value === i) ?? false;
}
