/** Selects the next token from the model's logits. */
import { MoEDebuggerError } from '../../base/errors';

export interface Sampling {
  /** Divides the logits; 0 selects the most likely token. */
  temperature: number;
  /** Sample only from the k most likely tokens; the lower id in a tie. */
  topK?: number;
  /** Sample only from the most likely tokens that together reach this probability, after `topK`. */
  topP?: number;
}

/**
 * The next token. Without a temperature the most likely one, the lower id in a tie; otherwise a sample from the softmax
 * after temperature, top-k and top-p, in this order.
 *
 * @param logits [vocabulary]; tokens whose logit is NaN are never selected
 * @param random returns numbers in [0, 1); called once per token, and not at all without a temperature
 * @throws MoEDebuggerError 'engine' when the logits have no largest finite value
 */
export function nextToken(
  logits: Float32Array,
  sampling: Sampling,
  random: () => number
): number {
  if (sampling.temperature === 0) {
    return likeliest(logits);
  }
  const { ids, weights } = candidates(logits, sampling);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const target = random() * total;
  let reached = 0;
  let last = ids[0];
  for (let i = 0; i < ids.length; i++) {
    reached += weights[i];
    if (reached > target) {
      return ids[i];
    }
    last = weights[i] > 0 ? ids[i] : last;
  }
  // Rounding made the sum end just below its target.
  return last;
}

function likeliest(logits: Float32Array): number {
  let best = -1;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id] > (best < 0 ? -Infinity : logits[best])) {
      best = id;
    }
  }
  if (best < 0 || logits[best] === Infinity) {
    throw notFinite(best);
  }
  return best;
}

/** Tokens that may be sampled, by id, with weights proportional to their probabilities. */
function candidates(
  logits: Float32Array,
  { temperature, topK, topP }: Sampling
): { ids: number[]; weights: number[] } {
  const peak = logits[likeliest(logits)];
  const weigh = (logit: number): number =>
    Number.isNaN(logit) ? 0 : Math.exp((logit - peak) / temperature);
  const cut = cutoff(logits, weigh, topK, topP);
  const ids: number[] = [];
  const weights: number[] = [];
  let { atThreshold } = cut;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id];
    if (
      logit > cut.threshold ||
      (logit === cut.threshold && atThreshold-- > 0)
    ) {
      ids.push(id);
      weights.push(weigh(logit));
    }
  }
  return { ids, weights };
}

/** The smallest logit that may be sampled, and the number of tokens to take with exactly that logit. */
function cutoff(
  logits: Float32Array,
  weigh: (logit: number) => number,
  topK?: number,
  topP?: number
): { threshold: number; atThreshold: number } {
  if (topK === undefined && (topP === undefined || topP === 1)) {
    return { threshold: -Infinity, atThreshold: 0 };
  }
  const ordered = logits
    .filter(logit => !Number.isNaN(logit))
    .sort()
    .reverse();
  let kept = Math.min(topK ?? ordered.length, ordered.length);
  if (topP !== undefined && topP < 1) {
    const weights = Float64Array.from(ordered.subarray(0, kept), weigh);
    const target = topP * weights.reduce((sum, weight) => sum + weight, 0);
    let reached = 0;
    let count = 0;
    while (count < kept && reached < target) {
      reached += weights[count++];
    }
    kept = Math.max(count, 1);
  }
  const threshold = ordered[kept - 1];
  return { threshold, atThreshold: kept - ordered.indexOf(threshold) };
}

function notFinite(best: number): MoEDebuggerError {
  return new MoEDebuggerError(
    'engine',
    best < 0
      ? "the model's output logits are all NaN"
      : `the model's output logit of token ${best} is infinite`,
    {
      hint: 'no token can be selected; trace the prompt and look at the layers whose logits are not finite'
    }
  );
}
