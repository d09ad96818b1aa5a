/** What a person may change about a model's routing. Nothing of the model is touched: an edit is what a run is fed. */
import type { ExpertPlace, RouterPlace, Stack } from '../../base/protocol';

/** Token positions from the first up to, but not including, the second; without a second to the end. */
export type TokenRange = readonly [from: number, to?: number];

/**
 * Modes of ablating an expert. They have different effects:
 * - mask: its logit is masked, and so is the score that it is selected by: a substitute is selected, whatever the bias;
 * - drop: its output is removed, and the other experts keep their weights;
 * - swap: another expert runs in its place, with the same weight.
 */
export type AblationMode = 'mask' | 'drop' | 'swap';

export interface Ablation extends ExpertPlace {
  /** Default 'mask'. */
  mode?: AblationMode;
  /** Of 'swap': the expert of the same router that runs instead. */
  to?: number | ExpertPlace;
  tokens?: TokenRange;
}

/** A vector added to the residual stream after a block. */
export interface Steering {
  layer: number;
  stack?: Stack;
  /** As many values as the width of the stream. */
  vector: ArrayLike<number>;
  /** Factor of the vector. Default 1. */
  scale?: number;
  tokens?: TokenRange;
}

export interface Edits {
  ablate?: readonly Ablation[];
  /** Only this expert, with weight 1; shared experts stay. */
  force?: readonly (ExpertPlace & { tokens?: TokenRange })[];
  /** Experts a token, of all routers or of some; weights follow the model's own rule. */
  topK?: number | readonly (RouterPlace & { k: number })[];
  /** Added to an expert's logit before scores and choice. */
  bias?: readonly (ExpertPlace & {
    value: number;
    tokens?: TokenRange;
  })[];
  /**
   * Added to what the experts of a token are selected by (the scores, or the logits where the router selects by these),
   * and to no weight: the bias of loss-free load balancing (arXiv 2408.15664).
   */
  selectionBias?: readonly (ExpertPlace & {
    value: number;
    tokens?: TokenRange;
  })[];
  /** Multiplies what an expert adds: its weight, where it is chosen. */
  scale?: readonly (ExpertPlace & {
    factor: number;
    tokens?: TokenRange;
  })[];
  steer?: readonly Steering[];
}

/** One edit as a trace records it. */
export interface EditRecord extends RouterPlace {
  kind:
    'ablate' | 'force' | 'topK' | 'bias' | 'selectionBias' | 'scale' | 'steer';
  expert?: number;
  mode?: AblationMode;
  to?: number;
  k?: number;
  /** For a bias and a selection bias the addend, for a scale the factor. */
  value?: number;
  /** For steering: the factor of the vector, and the vector's norm. */
  scale?: number;
  norm?: number;
  tokens?: TokenRange;
}

/** @param position NaN for all tokens at once */
export function includes(
  tokens: TokenRange | undefined,
  position: number
): boolean {
  return (
    tokens === undefined ||
    (position >= tokens[0] && position < (tokens[1] ?? Infinity))
  );
}
