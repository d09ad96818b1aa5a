/** Attention probabilities of a model's heads, as data. */
import { layerName, type Stack, type Token } from '../../base/protocol';
import type { UnknownAttention } from './attention';

export interface AttentionLayer {
  layer: number;
  stack?: Stack;
  /** `cross`: from a decoder to its encoder. */
  kind: 'self' | 'cross';
  heads: number;
  queries: number;
  keys: number;
  /** Rows sum to less than 1: part of each goes to an attention sink that is not a token. */
  sinks: boolean;
  /** [heads, queries, keys] */
  probabilities: Float32Array;
}
export interface AttentionData {
  /** The queries' tokens; in an encoder-decoder model, those of the decoder. */
  tokens: Token[];
  /** The encoder's tokens. */
  encoderTokens?: Token[];
  layers: AttentionLayer[];
  /** Attention of unsupported forms. */
  unknown: readonly UnknownAttention[];
  /** The edits that the model had, as text. */
  edits?: readonly string[];
}
/** Describes attention of an unsupported form. */
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
  return `unsupported: ${op} ${node}${place}: ${why}`;
}
