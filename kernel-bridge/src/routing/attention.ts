/** Recognises attention in a graph: one fused node, or a softmax over a product of two activations. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { passedOn } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';

const FUSED_ATTENTION = new Set([
  'Attention',
  'com.microsoft.Attention',
  'com.microsoft.MultiHeadAttention',
  'com.microsoft.GroupQueryAttention',
  'com.microsoft.DecoderMaskedMultiHeadAttention',
  'com.microsoft.DecoderMaskedSelfAttention',
  'com.microsoft.PackedAttention',
  'com.microsoft.PackedMultiHeadAttention',
  'com.microsoft.QAttention',
  'com.microsoft.SparseAttention',
  'com.microsoft.PagedAttention',
  'com.microsoft.LongformerAttention',
  'com.microsoft.LinearAttention'
]);
/** Operators between a product and its softmax, besides no-ops: they scale, mask or move the scores. */
const SCORE_STEPS = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Where',
  'Concat',
  'Slice',
  'Transpose',
  'Tanh',
  'Expand',
  'Pad',
  'Max',
  'Min',
  'Clip',
  'ReduceMax'
]);
const PRODUCTS = new Set(['MatMul', 'Einsum', 'com.microsoft.FusedMatMul']);
const MAX_STEPS = 16;

/** True for a fused attention node and for the softmax of a decomposed attention. */
export function isAttention(graph: Graph, node: GraphNode): boolean {
  return attentionOperands(graph, node) !== undefined;
}

/** Query and key of an attention; undefined for other nodes. */
export function attentionOperands(
  graph: Graph,
  node: GraphNode
): string[] | undefined {
  if (isFusedAttention(node)) {
    return node.inputs
      .slice(0, 2)
      .filter(input => input !== '' && !graph.isConstant(input));
  }
  return node.op === 'Softmax'
    ? scoreProduct(graph, node.inputs[0])?.inputs.slice(0, 2)
    : undefined;
}

/** True for an attention that is a single node. */
export function isFusedAttention({ op }: GraphNode): boolean {
  return FUSED_ATTENTION.has(op);
}

/** The product of queries and keys, upstream of scaled and masked attention scores. */
export function scoreProduct(
  graph: Graph,
  scores: string
): GraphNode | undefined {
  for (const {
    nodes: [node]
  } of walk(graph, [scores], {
    direction: 'upstream',
    maxDepth: MAX_STEPS,
    through: node => {
      const same = passedOn(graph, node);
      return same !== undefined
        ? [same]
        : SCORE_STEPS.has(node.op) &&
            node.inputs.filter(input => !graph.isConstant(input));
    }
  })) {
    const operands = node?.inputs.slice(0, 2) ?? [];
    if (
      node &&
      PRODUCTS.has(node.op) &&
      operands.length === 2 &&
      operands.every(input => !graph.isConstant(input))
    ) {
      return node;
    }
  }
  return undefined;
}
