/** Whether a selection sends tokens to experts: it must reach weights, or it is a sort, a sampler or a beam. */
import type { Graph } from '../onnx/graph/graph';

const MAX_NODES = 20_000;

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
  const seen = new Set<number>();
  // Depth first: one expert is enough, and there may be hundreds.
  const stack = [...tensors];
  while (stack.length > 0 && seen.size < MAX_NODES) {
    for (const node of graph.consumers(stack.pop()!)) {
      if (seen.has(node.index)) {
        continue;
      }
      seen.add(node.index);
      if (
        joins(node.index) ||
        PRODUCTS.has(node.op) ||
        (GATHERS.has(node.op) && graph.weightOf(node.inputs[0]) !== undefined)
      ) {
        return true;
      }
      if (!SHAPE_ONLY.has(node.op)) {
        stack.push(...node.outputs);
      }
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
