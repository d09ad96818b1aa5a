/** One router in two runs: the experts that each token lost and gained. */
import type { RouterIdentity, RoutingLayer } from '../../base/protocol';
import { marginScale, type MarginScale } from '../../routing/selection-margin';
import { layerMargins, type LayerRun } from '../margins/layer-margins';
import type { NearMissThresholds } from '../margins/near-miss';
import type { Alignment } from './align-tokens';

/** A value for each of the two runs. */
export interface Both<T> {
  a: T;
  b: T;
}

/** What changed for one token at one router. */
export interface TokenChange {
  /** Experts that process the token in the second run only, ascending. */
  entered: number[];
  /** Experts that process it in the first run only, ascending. */
  left: number[];
  /** Weight of each expert in either run, 0 where it is not selected, NaN where it was not recorded; by expert. */
  weights: { expert: number; a: number; b: number }[];
  /** |experts in both runs| / |experts in either|; 1 if both are empty. */
  jaccard: number;
  /** Sum of |difference of weight| over the experts. */
  weightDistance: number;
  /** Between the k-th and the (k+1)-th expert, by the layer's scale; null if all experts are selected or it is unknown. */
  margin: Both<number | null>;
  /** The first run's margin is below the threshold: a small change would have changed the selection. */
  nearMiss: boolean;
}

/**
 * A router in two runs, token by token in the order of the alignment's pairs. An expert of weight exactly 0 does not
 * process the token: it was dropped, over capacity or by an edit, or fills a slot next to a forced expert.
 */
export class LayerDiff {
  readonly identity: Omit<RouterIdentity, 'topK'>;
  readonly topK: Both<number>;
  readonly scale: MarginScale;
  readonly threshold: number;
  /** [pairs]; 1 where both runs have the same experts. */
  readonly jaccard: Float32Array;
  /** [pairs] */
  readonly weightDistance: Float32Array;
  /** [pairs]; NaN where undefined. */
  readonly margin: Both<Float32Array>;
  private readonly _runs: Both<LayerRun>;
  private readonly _pairs: Pick<Alignment, 'a' | 'b'>;

  constructor(
    a: LayerRun,
    b: LayerRun,
    pairs: Pick<Alignment, 'a' | 'b'>,
    thresholds: NearMissThresholds
  ) {
    const { layer, stack, module, experts, score } = a.layer;
    this.identity = {
      layer,
      ...(stack ? { stack } : {}),
      ...(module ? { module } : {}),
      experts,
      score
    };
    this.topK = { a: a.layer.topK, b: b.layer.topK };
    this.scale = marginScale(a.layer, a.convention);
    this.threshold = thresholds[this.scale];
    this._runs = { a, b };
    this._pairs = pairs;
    this.margin = {
      a: layerMargins(a, pairs.a),
      b: layerMargins(b, pairs.b)
    };
    this.jaccard = new Float32Array(this.length);
    this.weightDistance = new Float32Array(this.length);
    for (let i = 0; i < this.length; i++) {
      const { jaccard, weightDistance } = this.at(i);
      this.jaccard[i] = jaccard;
      this.weightDistance[i] = weightDistance;
    }
  }

  /** Tokens that both runs have. */
  get length(): number {
    return this._pairs.a.length;
  }

  changed(pair: number): boolean {
    return this.jaccard[pair] < 1;
  }

  nearMiss(pair: number): boolean {
    return this.margin.a[pair] < this.threshold;
  }

  /** @param pair index into the tokens that both runs have */
  at(pair: number): TokenChange {
    const before = weightsOf(this._runs.a.layer, this._pairs.a[pair]);
    const after = weightsOf(this._runs.b.layer, this._pairs.b[pair]);
    const experts = [...new Set([...before.keys(), ...after.keys()])].sort(
      (x, y) => x - y
    );
    const entered = experts.filter(expert => !before.has(expert));
    const left = experts.filter(expert => !after.has(expert));
    const weights = experts.map(expert => ({
      expert,
      a: before.get(expert) ?? 0,
      b: after.get(expert) ?? 0
    }));
    return {
      entered,
      left,
      weights,
      jaccard:
        experts.length === 0
          ? 1
          : (experts.length - entered.length - left.length) / experts.length,
      weightDistance: weights.reduce(
        (sum, { a, b }) => sum + Math.abs(b - a),
        0
      ),
      margin: {
        a: orNull(this.margin.a[pair]),
        b: orNull(this.margin.b[pair])
      },
      nearMiss: this.nearMiss(pair)
    };
  }
}

/** The experts of a token with their weights; the weights of an expert in two slots are added. */
function weightsOf(
  { selected, weights, topK }: RoutingLayer,
  token: number
): Map<number, number> {
  const found = new Map<number, number>();
  for (let slot = token * topK; slot < (token + 1) * topK; slot++) {
    if (selected[slot] >= 0 && weights[slot] !== 0) {
      found.set(
        selected[slot],
        (found.get(selected[slot]) ?? 0) + (weights[slot] ?? NaN)
      );
    }
  }
  return found;
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
