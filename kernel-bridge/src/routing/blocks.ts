/**
 * Which transformer block a node belongs to. Blocks are counted by their self-attention, the one part that every
 * block of a stack has whether its MLP is dense or routed: the number of attentions on the way to a node.
 */
import type { Graph, GraphNode } from '../graph/graph';
import type { Stack } from '../protocol';

export interface Blocks {
  /** Index of the block that makes `tensor`. */
  blockOf(tensor: string): { layer: number; stack?: Stack };
  /** Self-attentions on the way to `tensor`. */
  depthOf(tensor: string): number;
  /** Blocks of each stack. */
  counts: { stack?: Stack; blocks: number }[];
}

/** The input by which an encoder-decoder model is fed its target: part of the exporters' interface. */
const DECODER_INPUT = 'decoder_input_ids';

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
const SCORE_STEPS = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Where',
  'Cast',
  'Concat',
  'Slice',
  'Reshape',
  'Transpose',
  'Tanh',
  'Identity',
  'Unsqueeze',
  'Squeeze',
  'Expand',
  'Pad',
  'Max',
  'Min',
  'Clip',
  'ReduceMax'
]);
const PRODUCTS = new Set(['MatMul', 'Einsum', 'com.microsoft.FusedMatMul']);
const MAX_STEPS = 16;

export function findBlocks(graph: Graph): Blocks {
  const twoStacks = graph.inputs.includes(DECODER_INPUT);
  const inDecoder = new Set<string>(twoStacks ? [DECODER_INPUT] : []);
  const depths: Record<'encoder' | 'decoder', Map<string, number>> = {
    encoder: new Map(),
    decoder: new Map()
  };
  for (const node of graph.nodes) {
    const decoder = node.inputs.some(input => inDecoder.has(input));
    const attention = attentionOperands(graph, node);
    const own =
      attention &&
      (!decoder || attention.every(operand => inDecoder.has(operand)))
        ? 1
        : 0;
    for (const output of node.outputs) {
      if (decoder) {
        inDecoder.add(output);
      }
      for (const stack of ['encoder', 'decoder'] as const) {
        const before = Math.max(
          0,
          ...node.inputs.map(input => depths[stack].get(input) ?? 0)
        );
        const depth =
          before + (own && (stack === 'decoder') === decoder ? 1 : 0);
        if (depth > 0) {
          depths[stack].set(output, depth);
        }
      }
    }
  }
  const deepest = (stack: 'encoder' | 'decoder'): number =>
    [...depths[stack].values()].reduce((a, b) => Math.max(a, b), 0);
  const stackOf = (tensor: string): Stack =>
    inDecoder.has(tensor) ? 'decoder' : 'encoder';
  const depthOf = (tensor: string): number =>
    depths[stackOf(tensor)].get(tensor) ?? 0;
  return {
    depthOf,
    blockOf(tensor) {
      const stack = stackOf(tensor);
      const layer = Math.max(0, depthOf(tensor) - 1);
      return twoStacks ? { layer, stack } : { layer };
    },
    counts: twoStacks
      ? [
          { stack: 'encoder', blocks: deepest('encoder') },
          { stack: 'decoder', blocks: deepest('decoder') }
        ]
      : [{ blocks: deepest('encoder') }]
  };
}

/** True for a fused attention and for the softmax of one written out. */
export function isAttention(graph: Graph, node: GraphNode): boolean {
  return attentionOperands(graph, node) !== undefined;
}

/** Query and key of an attention; undefined when the node is none. */
function attentionOperands(
  graph: Graph,
  node: GraphNode
): string[] | undefined {
  if (FUSED_ATTENTION.has(node.op)) {
    return node.inputs
      .slice(0, 2)
      .filter(input => input !== '' && !graph.isConstant(input));
  }
  if (node.op !== 'Softmax') {
    return undefined;
  }
  const seen = new Set<string>();
  let frontier = [node.inputs[0]];
  for (let step = 0; step < MAX_STEPS && frontier.length > 0; step++) {
    const next: string[] = [];
    for (const tensor of frontier) {
      const above = graph.producer(tensor);
      if (!above || seen.has(tensor)) {
        continue;
      }
      seen.add(tensor);
      if (PRODUCTS.has(above.op)) {
        const operands = above.inputs.slice(0, 2);
        if (
          operands.length === 2 &&
          operands.every(input => !graph.isConstant(input))
        ) {
          return operands;
        }
      } else if (SCORE_STEPS.has(above.op)) {
        next.push(
          ...above.inputs.filter(
            input => input !== '' && !graph.isConstant(input)
          )
        );
      }
    }
    frontier = next;
  }
  return undefined;
}
