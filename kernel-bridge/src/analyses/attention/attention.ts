/** What is found of a graph's attention: tensors that hold it, and how their axes are laid out. */
import type { Stack } from '../../base/protocol';

/**
 * What an axis of a tensor runs over. `batch-heads` are all heads of the first sequence, then those of the next: with
 * one sequence in a run, they are the heads.
 */
export type AttentionAxis =
  'batch' | 'heads' | 'batch-heads' | 'queries' | 'keys' | 'width';

export interface AttentionTensor {
  /** Its name in the graph. */
  tensor: string;
  /** One an axis. Several `heads` axes (groups, and heads of a group) number the heads in their order. */
  axes: readonly AttentionAxis[];
}

/** One attention of a graph: of a block, or of one of the two of a decoder that also reads an encoder. */
export interface Attention {
  /** Index of its block in its stack. */
  layer: number;
  stack?: Stack;
  /** `cross` where keys and values are of the other stack. */
  kind: 'self' | 'cross';
  heads: number;
  /** Heads that keys and values are shared out over; as many as `heads` where none are shared. */
  keyValueHeads: number;
  /** Numbers that a head hands to the output projection, a token. */
  width: number;
  /** What values are mixed by: [batch, heads, queries, keys] in some order. */
  probabilities: AttentionTensor;
  /** Keys before those of the tokens: slots of a cache that a prompt leaves empty. */
  emptyKeys: number;
  /** Rows of probabilities sum to less than 1, since part of each goes to a sink that has no value. */
  sinks: boolean;
  /** Heads' mixed values before the output projection: [batch, heads, queries, width] in some order. */
  mixed: AttentionTensor;
  /** What the products read, with rotations, norms, repeated heads and maybe the scale in it. */
  query: AttentionTensor;
  key: AttentionTensor;
  value: AttentionTensor;
  /**
   * Query, key and value as their projections give them, biases included, before the heads are told apart; undefined
   * where no tensor holds one of them alone.
   */
  projected: { query?: string; key?: string; value?: string };
  /** [batch, tokens, hidden]: what the output projection gives, bias included; undefined where none is found. */
  output?: string;
  /** Index of the node that adds it, or what is made of it, to the residual stream. */
  join: number;
}

/** What looks like attention and is not of a known form. */
export interface UnknownAttention {
  /** Name of the node, or of its output where it has none. */
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
