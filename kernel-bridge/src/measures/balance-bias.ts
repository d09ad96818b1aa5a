/** Fits selection biases that balance a router's load: loss-free load balancing (arXiv 2408.15664), run to its end. */
import { jainIndex, maxViolation } from './balance';

export interface BiasProblem {
  experts: number;
  tokens: number;
  /** The experts that a token selects with these biases; -1 for none. */
  choose: (token: number, bias: Float32Array) => ArrayLike<number>;
  /** Size of the first step: how much what experts are selected by differs. */
  scale: number;
}

export interface FittedBias {
  /** [E], with mean 0 */
  bias: Float32Array;
  /** [E], selections with the biases */
  counts: Float64Array;
}

const STEPS = 160;
/** The last step over the first. */
const LAST_STEP = 1e-4;

/**
 * Moves each bias against its expert's excess of load, by steps that decrease geometrically: a subgradient method, since
 * the load's excess is the gradient of a convex function of the biases. The paper's step is constant and takes the sign
 * of the excess, which never settles.
 *
 * @param steps at least 2; fewer end at a less even load
 * @returns the most even of all steps; biases of 0 where none is more even
 */
export function fitBias(problem: BiasProblem, steps = STEPS): FittedBias {
  const { experts, scale } = problem;
  let bias = new Float32Array(experts);
  let counts = selectionsWith(problem, bias);
  let best: FittedBias = { bias, counts };
  for (let step = 0; step < steps && maxViolation(counts) > 0; step++) {
    const size = scale * LAST_STEP ** (step / (steps - 1));
    const mean = counts.reduce((total, count) => total + count, 0) / experts;
    bias = bias.map(
      (value, e) =>
        value + size * Math.max(-1, Math.min(1, (mean - counts[e]) / mean))
    );
    counts = selectionsWith(problem, bias);
    if (jainIndex(counts) > jainIndex(best.counts)) {
      best = { bias, counts };
    }
  }
  const mean = best.bias.reduce((total, value) => total + value, 0) / experts;
  return { bias: best.bias.map(value => value - mean), counts: best.counts };
}

/** How often each expert is selected with these biases. [E] */
export function selectionsWith(
  { experts, tokens, choose }: BiasProblem,
  bias: Float32Array
): Float64Array {
  const counts = new Float64Array(experts);
  for (let t = 0; t < tokens; t++) {
    const chosen = choose(t, bias);
    for (let slot = 0; slot < chosen.length; slot++) {
      if (chosen[slot] >= 0) {
        counts[chosen[slot]]++;
      }
    }
  }
  return counts;
}
