/** Whether a selection sends tokens to experts: it must reach weights, or it is a sort, a sampler or a beam. */
import type { Graph } from '../graph/graph';

const MAX_NODES = 400;

/** True when `tensors` lead to a product, or to a gather of stored weights, further down the graph. */
export function reachesExperts(
  graph: Graph,
  tensors: readonly string[]
): boolean {
  const seen = new Set<number>();
  let frontier = [...tensors];
  while (frontier.length > 0 && seen.size < MAX_NODES) {
    const next: string[] = [];
    for (const tensor of frontier) {
      for (const node of graph.consumers(tensor)) {
        if (seen.has(node.index)) {
          continue;
        }
        seen.add(node.index);
        if (
          PRODUCTS.has(node.op) ||
          (GATHERS.has(node.op) && graph.weightOf(node.inputs[0]) !== undefined)
        ) {
          return true;
        }
        if (!SHAPE_ONLY.has(node.op)) {
          next.push(...node.outputs);
        }
      }
    }
    frontier = next;
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
