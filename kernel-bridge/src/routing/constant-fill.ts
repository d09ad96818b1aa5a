/** Tensors that hold one value throughout, stored or made by the graph: what masks are filled with. */
import { inlineValues } from '../onnx/file/tensor';
import { attributeTensor } from '../onnx/graph/attributes';
import type { Graph } from '../onnx/graph/graph';
import { sourceOf } from '../onnx/graph/no-ops';

/** The value that a whole tensor has; undefined where it has several or they are computed. */
export function constantFill(graph: Graph, tensor: string): number | undefined {
  const values = graph.constantValues(tensor);
  if (values) {
    return values.every(value => value === values[0]) ? values[0] : undefined;
  }
  const { node, tensor: source } = sourceOf(graph, tensor);
  if (node?.op === 'Expand') {
    return constantFill(graph, node.inputs[0]);
  }
  if (node?.op !== 'ConstantOfShape') {
    return source === tensor ? undefined : constantFill(graph, source);
  }
  const stored = attributeTensor(node.proto, 'value');
  return stored ? inlineValues(stored)?.[0] : 0;
}
