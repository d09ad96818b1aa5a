/** How alike two experts are in what they compute, in their weights, and in the tokens that select them. */
import { dot } from '../../measures/vectors';
import type { ExpertPair, ExpertPairs } from './expert-pairs';

export interface WeightLikeness {
  /** ||a - b|| over the root mean square of both norms: 0 of equal weights, 1.41 of unrelated ones. */
  difference: number;
  cosine: number;
}

/** Weights of a layer's experts, compared pair by pair. */
export class WeightPairs {
  private readonly _squares: number[];

  /** @param weights one vector an expert; a regular sample is enough */
  constructor(private readonly _weights: readonly Float32Array[]) {
    this._squares = _weights.map(values => dot(values, values));
  }

  /** Undefined where the experts have different shapes, or weights that are not finite. */
  of(a: number, b: number): WeightLikeness | undefined {
    const [one, other] = [this._weights[a], this._weights[b]];
    if (one.length !== other.length || one.length === 0) {
      return undefined;
    }
    const product = dot(one, other);
    const [ofA, ofB] = [this._squares[a], this._squares[b]];
    const difference = Math.sqrt(
      Math.max(0, ofA + ofB - 2 * product) / ((ofA + ofB) / 2)
    );
    return Number.isFinite(difference)
      ? { difference, cosine: product / Math.sqrt(ofA * ofB) }
      : undefined;
  }
}

export interface ExpertLikeness extends ExpertPair {
  /** Undefined where the weights are not known, or not comparable. */
  weights?: WeightLikeness;
}

export function likeness(
  a: number,
  b: number,
  pairs: ExpertPairs,
  weights?: WeightPairs
): ExpertLikeness {
  const pair = pairs.of(a, b);
  const own = weights?.of(a, b);
  return { ...pair, ...(own ? { weights: own } : {}) };
}

/** Outputs on fewer tokens say less than the weights. */
const FEW_TOKENS = 10;

/**
 * What a merge would change: how much the outputs differ. Where both were seen on few tokens their weights stand in, since
 * two experts may agree on a few tokens by chance. NaN: not known.
 */
export function mergeChange({
  tokens,
  difference,
  weights
}: ExpertLikeness): number {
  return tokens < FEW_TOKENS && weights
    ? Math.max(weights.difference, Number.isNaN(difference) ? 0 : difference)
    : difference;
}

/**
 * The order of merges: the least first. Outputs and weights count alike, since outputs that agree on this text alone may
 * differ on another; of two pairs as alike the one that the same tokens select comes first, since the router keeps both
 * for one purpose.
 */
export function mergeCost(pair: ExpertLikeness): number {
  const change = mergeChange(pair);
  const differences = [change, pair.weights?.difference ?? change];
  const alike = Math.hypot(...differences) / Math.SQRT2;
  return alike * (1 - (Number.isNaN(pair.jaccard) ? 0 : pair.jaccard) / 2);
}
