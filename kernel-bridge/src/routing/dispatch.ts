/** Distinguishes a router's choice, which reaches weights of experts, from a sort, a sampler or a beam search. */
import type { Graph } from '../onnx/graph/graph';
import { walk } from '../onnx/graph/walk';

const MAX_TENSORS = 20_000;

/**
 * True when a matrix product, a gather of stored weights or the residual stream is downstream of `tensors`. The stream
 * counts because a choice may only weight experts that all compute every token.
 * @param joins true for the index of a node that adds to the residual stream. Default none.
 */
export function reachesExperts(
  graph: Graph,
  tensors: readonly string[],
  joins: (node: number) => boolean = () => false
): boolean {
  for (const { nodes } of walk(graph, tensors, {
    direction: 'downstream',
    // Reaching one expert is enough, and there may be hundreds in parallel.
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
