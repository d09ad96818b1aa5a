/** Whether a selection sends tokens to experts: it must reach weights, or it is a sort, a sampler or a beam. */
import type { Graph } from '../onnx/graph/graph';
import { walk } from '../onnx/graph/walk';

const MAX_TENSORS = 20_000;

/**
 * True when `tensors` lead to a product, or to a gather of stored weights, further down the graph; or to the residual
 * stream, where every expert computes every token and the choice only weights them.
 * @param joins true for a node that adds to the residual stream
 */
export function reachesExperts(
  graph: Graph,
  tensors: readonly string[],
  joins: (node: number) => boolean = () => false
): boolean {
  for (const { nodes } of walk(graph, tensors, {
    direction: 'downstream',
    // One expert is enough, and there may be hundreds side by side.
    order: 'depth',
    maxTensors: MAX_TENSORS,
    through: ({ op }) => !SHAPE_ONLY.has(op)
  })) {
    if (
      nodes.some(
        ({ index, op, inputs }) =>
          joins(index) ||
          PRODUCTS.has(op) ||
          (GATHERS.has(op) && graph.weightOf(inputs[0]) !== undefined)
      )
    ) {
      return true;
    }
  }
  return false;
}

const PRODUCTS = new Set([
  'MatMul',
  'Gemm',
  'Einsum',
  'Conv',
  'MatMulInteger',
  'QLinearMatMul',
  'If',
  'Loop',
  'Scan',
  'com.microsoft.MatMulNBits',
  'com.microsoft.MatMulBnb4',
  'com.microsoft.FusedMatMul',
  'com.microsoft.FusedGemm',
  'com.microsoft.DynamicQuantizeMatMul',
  'com.microsoft.MatMulIntegerToFloat',
  'com.microsoft.QGemm'
]);
const GATHERS = new Set([
  'Gather',
  'GatherND',
  'com.microsoft.GatherBlockQuantized'
]);
const SHAPE_ONLY = new Set(['Shape', 'Size']);
