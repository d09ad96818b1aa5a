/** How experts of one layer go together with experts of the next, over any number of tokens. */
import type { RouterIdentity, RoutingLayer } from '../base/protocol';
import { matchPipelines, type PipelineStep } from './similarity';

type Slots = Pick<RoutingLayer, 'selected' | 'weights' | 'topK'>;

export class LayerLink {
  readonly from: Pick<RouterIdentity, 'layer' | 'stack' | 'module' | 'experts'>;
  /** Tokens whose weights were recorded in both layers; correlations are over these. */
  tokens = 0;
  /** [earlier experts, later experts]: tokens that select both. */
  readonly together: Float64Array;
  /** [experts], weights and their squares, of the earlier layer and of the later one */
  private readonly _sums: [Float64Array, Float64Array];
  private readonly _squares: [Float64Array, Float64Array];
  /** [earlier experts, later experts]: products of weights */
  private readonly _products: Float64Array;

  constructor(
    { layer, stack, module, experts }: RouterIdentity,
    private readonly _laterExperts: number
  ) {
    this.from = {
      layer,
      experts,
      ...(stack ? { stack } : {}),
      ...(module ? { module } : {})
    };
    const sizes = [experts, _laterExperts] as const;
    this.together = new Float64Array(sizes[0] * sizes[1]);
    this._sums = [new Float64Array(sizes[0]), new Float64Array(sizes[1])];
    this._squares = [new Float64Array(sizes[0]), new Float64Array(sizes[1])];
    this._products = new Float64Array(sizes[0] * sizes[1]);
  }

  /** Adds the same tokens in both layers; weights that are not finite count as 0. */
  add(earlier: Slots, later: Slots): void {
    const tokens = earlier.selected.length / earlier.topK;
    const hasWeights = earlier.weights.length > 0 && later.weights.length > 0;
    this.tokens += hasWeights ? tokens : 0;
    [earlier, later].forEach((slots, side) => {
      slots.selected.forEach((expert, slot) => {
        const weight = weightAt(slots, slot);
        if (expert >= 0 && hasWeights) {
          this._sums[side][expert] += weight;
          this._squares[side][expert] += weight * weight;
        }
      });
    });
    for (let t = 0; t < tokens; t++) {
      for (let i = t * earlier.topK; i < (t + 1) * earlier.topK; i++) {
        const row = earlier.selected[i] * this._laterExperts;
        const weight = weightAt(earlier, i);
        for (let j = t * later.topK; j < (t + 1) * later.topK; j++) {
          if (row >= 0 && later.selected[j] >= 0) {
            const at = row + later.selected[j];
            this.together[at]++;
            this._products[at] += hasWeights ? weight * weightAt(later, j) : 0;
          }
        }
      }
    }
  }

  /**
   * Pearson correlation of weights (zero where not selected), [earlier experts, later experts]; NaN where an expert's
   * weight never changes.
   */
  correlations(): Float64Array {
    const n = this._laterExperts;
    const variance = (side: 0 | 1, e: number): number =>
      this._squares[side][e] - this._sums[side][e] ** 2 / this.tokens;
    return this._products.map((product, at) => {
      const i = Math.floor(at / n);
      const j = at % n;
      const covariance =
        product - (this._sums[0][i] * this._sums[1][j]) / this.tokens;
      const scale = variance(0, i) * variance(1, j);
      return scale > 0 ? covariance / Math.sqrt(scale) : NaN;
    });
  }

  /** Experts that go together from this layer to the next (Lazarus). */
  pipelines(threshold?: number): PipelineStep[] {
    return matchPipelines(this.correlations(), this._laterExperts, threshold);
  }
}

function weightAt({ weights }: Slots, slot: number): number {
  return Number.isFinite(weights[slot]) ? weights[slot] : 0;
}
