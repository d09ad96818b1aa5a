/** One router in two runs: which experts each token lost and gained. */
import type { EditRecord } from '../../run/edits/edits';
import type { RouterIdentity, RoutingLayer, Token } from '../../base/protocol';
import type { Convention } from '../../routing/convention';
import {
  marginScale,
  selectionMargin,
  type MarginScale
} from '../../routing/selection-margin';
import type { Alignment } from './align-tokens';
import { chosenBy, editsOfRouter } from './edited-logits';

/** Below this margin another choice was near, by the scale that the margin is in. */
export type NearMissThresholds = Readonly<Record<MarginScale, number>>;

/** A value of each of the two runs that are compared. */
export interface Both<T> {
  a: T;
  b: T;
}

/** What changed for one token at one router. */
export interface TokenChange {
  /** Experts that work on the token in the second run only, ascending. */
  entered: number[];
  /** Experts that worked on it in the first run only, ascending. */
  left: number[];
  /** The weight of each expert of either run, 0 where it has no part; by expert. */
  weights: { expert: number; a: number; b: number }[];
  /** Experts of both runs / experts of either; 1 where neither has any. */
  jaccard: number;
  /** Sum of |difference of weight| over the experts. */
  weightDistance: number;
  /** Of the k-th to the (k+1)-th, by the layer's scale; null where nothing was left out or it is not known. */
  margin: Both<number | null>;
  /** The first run's margin is below the threshold: it took little to change the choice. */
  nearMiss: boolean;
}

/** One side of a comparison of layers. */
export interface LayerRun {
  layer: RoutingLayer;
  tokens: readonly Token[];
  convention?: Convention;
  edits: readonly EditRecord[];
}

/**
 * A router in two runs, token by token in the order of the alignment's pairs. An expert whose weight is exactly 0 has
 * no part in a token: it was dropped, over capacity or by an edit, or fills a slot beside one that was forced.
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
  /** [pairs]; NaN where there is none. */
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
    this.margin = { a: margins(a, pairs.a), b: margins(b, pairs.b) };
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

/** The experts that work on a token, with their weights; one that stands in two slots has the sum of both. */
function weightsOf(
  { selected, weights, topK }: RoutingLayer,
  token: number
): Map<number, number> {
  const found = new Map<number, number>();
  for (let slot = token * topK; slot < (token + 1) * topK; slot++) {
    if (selected[slot] >= 0 && weights[slot] !== 0) {
      found.set(
        selected[slot],
        (found.get(selected[slot]) ?? 0) + weights[slot]
      );
    }
  }
  return found;
}

function margins(
  { layer, tokens, convention, edits }: LayerRun,
  indices: Int32Array
): Float32Array {
  const own = editsOfRouter(edits, layer);
  return Float32Array.from(indices, token => {
    const row = chosenBy(layer, token, tokens[token].position, own);
    // Where the rule is not known, and the logits do not explain the choice, neither do they say what was near.
    return row && (convention || explains(row, layer, token))
      ? selectionMargin(row, layer.topK, layer.logitsAre, convention)
      : NaN;
  });
}

function explains(
  row: Float32Array,
  { selected, topK }: RoutingLayer,
  token: number
): boolean {
  const chosen = selected.subarray(token * topK, (token + 1) * topK);
  const least = chosen.reduce((min, e) => Math.min(min, row[e]), Infinity);
  return row.every((value, e) => chosen.includes(e) || value <= least);
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
