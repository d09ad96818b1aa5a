/**
 * By how much experts raise the logit of each token, where the model considers the token. A change is relative to the mean
 * change of all logits, weighted by probability: an expert that is surer than others raises no token by that alone.
 */
import { logProbability } from '../../../base/statistics/logits';
import type { NextToken } from './token-groups';

/** Sums over tokens of a text, [vocabulary] each. */
export class TokenGains {
  /** Change of the logit, in nats, times the weight. */
  readonly gains: Float64Array;
  /**
   * Probability of the token without any of the layer's routed experts: what one of them does to a token has no part in how
   * much the token counts.
   */
  readonly weights: Float64Array;

  /** The tokens that follow in the text; the last one of a text has none. */
  readonly next: NextToken[] = [];

  constructor(vocabulary: number) {
    this.gains = new Float64Array(vocabulary);
    this.weights = new Float64Array(vocabulary);
  }

  /**
   * @param present logits with the expert
   * @param reference logits with something else in its place
   * @param weights probabilities without any routed expert of the layer
   * @param next the token that follows
   */
  add(
    present: Float32Array,
    reference: Float32Array,
    weights: Float32Array,
    next: number | undefined
  ): void {
    let mean = 0;
    for (let id = 0; id < present.length; id++) {
      mean += weights[id] * (present[id] - reference[id]);
    }
    for (let id = 0; id < present.length; id++) {
      this.gains[id] += weights[id] * (present[id] - reference[id] - mean);
      this.weights[id] += weights[id];
    }
    if (next !== undefined) {
      this.next.push({
        id: next,
        gain: logProbability(present, next) - logProbability(reference, next)
      });
    }
  }
}
