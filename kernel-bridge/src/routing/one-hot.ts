/** One-hot forms of a choice: [..., experts], one where the expert was chosen. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { viewsOf } from '../onnx/graph/no-ops';

/** One mask of padding and one of capacity. */
const MAX_MASKS = 2;

/** All one-hot tensors of the choice `indices`, and their views: of OneHot, or of Equal with 0, 1, 2, ... */
export function oneHotsOf(graph: Graph, indices: string): string[] {
  return viewsOf(graph, indices).flatMap(view =>
    graph
      .consumers(view)
      .filter(node => isOneHot(graph, node, view))
      .flatMap(node => viewsOf(graph, node.outputs[0]))
  );
}

/**
 * One-hot tensors of a choice with and without masks of padding and capacity.
 * @param scores a product with one of these is a weight, and not a mask
 * @returns `kept`: the masked ones; `all`: these and those of `oneHotsOf`
 */
export function keptOneHotsOf(
  graph: Graph,
  indices: string,
  scores: ReadonlySet<string> = new Set()
): { all: Set<string>; kept: Set<string> } {
  const all = new Set(oneHotsOf(graph, indices));
  const kept = new Set<string>();
  let frontier = [...all];
  for (let step = 0; step < MAX_MASKS && frontier.length > 0; step++) {
    frontier = frontier
      .flatMap(tensor => graph.consumers(tensor))
      .filter(
        ({ op, inputs }) =>
          (op === 'Mul' || op === 'And') &&
          !inputs.some(input => scores.has(input))
      )
      .flatMap(({ outputs }) => viewsOf(graph, outputs[0]))
      .filter(tensor => !all.has(tensor));
    frontier.forEach(tensor => {
      all.add(tensor);
      kept.add(tensor);
    });
  }
  return { all, kept };
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
