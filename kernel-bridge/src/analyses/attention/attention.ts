/** Attention found in a graph: the tensors that hold it, and their axes. */
import type { Stack } from '../../base/protocol';

/**
 * What an axis of a tensor runs over. `batch-heads` are all heads of the first sequence, then all of the next; in a run
 * of one sequence they are the heads.
 */
export type AttentionAxis =
  'batch' | 'heads' | 'batch-heads' | 'queries' | 'keys' | 'width';

export interface AttentionTensor {
  /** Its name in the graph. */
  tensor: string;
  /** One per axis. Several `heads` axes (groups, and heads of a group) number the heads in row-major order. */
  axes: readonly AttentionAxis[];
}

/** One attention of a graph. A decoder block that also reads an encoder has two. */
export interface Attention {
  /** Index of its block in its stack. */
  layer: number;
  stack?: Stack;
  /** `cross` where keys and values come from the other stack. */
  kind: 'self' | 'cross';
  heads: number;
  /** Key/value heads; equals `heads` unless query heads share them (GQA, MQA). */
  keyValueHeads: number;
  /** Width of a head's output per token, before the output projection. */
  width: number;
  /** The attention weights: [batch, heads, queries, keys] in some order. */
  probabilities: AttentionTensor;
  /** Keys before those of the tokens: KV cache slots that a prompt leaves empty. */
  emptyKeys: number;
  /** Rows of probabilities sum to less than 1: part of each goes to an attention sink without a value. */
  sinks: boolean;
  /** Heads' weighted values before the output projection: [batch, heads, queries, width] in some order. */
  mixed: AttentionTensor;
  /** Operands of the products, after rotary embedding, norms, repetition of heads and perhaps scaling. */
  query: AttentionTensor;
  key: AttentionTensor;
  value: AttentionTensor;
  /**
   * Outputs of the Q/K/V projections, biases included, before they are split into heads; undefined where no tensor holds
   * one of them alone.
   */
  projected: { query?: string; key?: string; value?: string };
  /** [batch, tokens, hidden]: output of the output projection, bias included; undefined if none is found. */
  output?: string;
  /** Index of the node that adds it, or a value computed from it, to the residual stream. */
  join: number;
}

/** A node that looks like attention but has an unsupported form. */
export interface UnknownAttention {
  /** Name of the node, or of its output if it has none. */
  node: string;
  op: string;
  layer?: number;
  stack?: Stack;
  why: string;
}

export interface FoundAttention {
  /** In graph order. */
  attention: readonly Attention[];
  unknown: readonly UnknownAttention[];
}
