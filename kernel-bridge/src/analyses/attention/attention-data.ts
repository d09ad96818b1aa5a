/** What the heads of a model attended to, apart from how it looks. */
import { layerName, type Stack, type Token } from '../../base/protocol';
import type { UnknownAttention } from './attention';

export interface AttentionLayer {
  layer: number;
  stack?: Stack;
  /** `cross`: of a decoder to its encoder. */
  kind: 'self' | 'cross';
  heads: number;
  queries: number;
  keys: number;
  /** Rows sum to less than 1, since part of each goes to a sink that is no token. */
  sinks: boolean;
  /** [heads, queries, keys] */
  probabilities: Float32Array;
}
export interface AttentionData {
  /** What is attended from: of an encoder-decoder model, the decoder's. */
  tokens: Token[];
  /** What an encoder read. */
  encoderTokens?: Token[];
  layers: AttentionLayer[];
  /** Attention of forms that are not known. */
  unknown: readonly UnknownAttention[];
}
/** What is not known of a graph's attention, in words. */
export function describeUnknown({
  node,
  op,
  layer,
  stack,
  why
}: UnknownAttention): string {
  const place =
    layer === undefined
      ? ''
      : ` in ${layerName({ layer, ...(stack ? { stack } : {}) })}`;
  return `not read: ${op} ${node}${place}: ${why}`;
}
