/** How far onnxruntime may optimise a graph so that it can run it. */
import type { SessionOptions } from '../engine/messages';
import type { Graph, GraphNode } from '../../onnx/graph/graph';

/**
 * onnxruntime fuses a MatMul of dequantised operands to a QLinearMatMul, also where the weights are a stack of matrices (all
 * experts) with a scale for each column, which its kernel then refuses at the first run. Default optimisation elsewhere.
 */
export function optimizationOf(
  graph: Graph
): SessionOptions['graphOptimization'] {
  const [activations, weights] = [0, 1];
  return graph.nodes.some(
    node =>
      node.op === 'MatMul' &&
      dequantizer(graph, node, activations) !== undefined &&
      isStackByColumn(graph, dequantizer(graph, node, weights)) &&
      graph.consumers(node.outputs[0]).some(({ op }) => op === 'QuantizeLinear')
  )
    ? 'basic'
    : undefined;
}

function dequantizer(
  graph: Graph,
  { inputs }: GraphNode,
  input: number
): GraphNode | undefined {
  const node = graph.producer(inputs[input]);
  return node?.op === 'DequantizeLinear' ? node : undefined;
}

function isStackByColumn(graph: Graph, node: GraphNode | undefined): boolean {
  const dims = node && graph.weightOf(node.inputs[0])?.dims;
  const scales = node && graph.weightOf(node.inputs[1])?.dims;
  return (
    dims !== undefined &&
    dims.length > 2 &&
    scales !== undefined &&
    scales.some(size => size > 1)
  );
}
