/** Top-k by repeated ArgMax: each pick is masked out of the scores before the next. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { viewsOf } from '../onnx/graph/no-ops';
import { oneHotsOf } from './one-hot';

/** The ArgMax over the same scores with the choice of `node` overwritten or masked out. */
export function nextPick(graph: Graph, node: GraphNode): GraphNode | undefined {
  const masked: string[] = [];
  for (const view of viewsOf(graph, node.outputs[0])) {
    for (const scatter of graph.consumers(view)) {
      if (scatter.op === 'ScatterElements' && scatter.inputs[1] === view) {
        masked.push(scatter.outputs[0]);
      }
    }
  }
  for (const mask of oneHotsOf(graph, node.outputs[0])) {
    for (const { op, inputs, outputs } of graph.consumers(mask)) {
      if (
        (op === 'Where' && inputs[0] === mask) ||
        op === 'Mul' ||
        op === 'Sub'
      ) {
        masked.push(outputs[0]);
      }
    }
  }
  return masked
    .flatMap(tensor => viewsOf(graph, tensor))
    .flatMap(view => graph.consumers(view))
    .find(({ op, index }) => op === 'ArgMax' && index !== node.index);
}

/** All tensors of scores that are gathered at a choice. */
export function gatheredAt(
  graph: Graph,
  choice: string,
  isScores: (tensor: string) => boolean
): string[] {
  return viewsOf(graph, choice).flatMap(view =>
    graph
      .consumers(view)
      .filter(
        ({ op, inputs }) =>
          (op === 'GatherElements' || op === 'GatherND') &&
          inputs[1] === view &&
          isScores(inputs[0])
      )
      .map(({ outputs }) => outputs[0])
  );
}
