/** Statistics of token distributions, from logits. */

/** log Σ exp(x), without overflow. */
export function logSumExp(logits: Float32Array): number {
  let peak = -Infinity;
  for (const value of logits) {
    peak = value > peak ? value : peak;
  }
  let sum = 0;
  for (const value of logits) {
    sum += Math.exp(value - peak);
  }
  return peak + Math.log(sum);
}

/**
 * KL(p || q) = Σ p (log p − log q) in nats, p and q being the softmax of logits over the same vocabulary (Kullback and
 * Leibler 1951). NaN where either holds a NaN.
 */
export function divergence(
  original: Float32Array,
  edited: Float32Array
): number {
  const [zp, zq] = [logSumExp(original), logSumExp(edited)];
  let sum = 0;
  for (let i = 0; i < original.length; i++) {
    const log = original[i] - zp;
    const p = Math.exp(log);
    // The limit of p log p is 0.
    sum += p === 0 ? 0 : p * (log - (edited[i] - zq));
  }
  return atLeastZero(sum);
}

/** Entropy of the softmax, in nats; NaN if a logit is. */
export function softmaxEntropy(logits: Float32Array): number {
  const total = logSumExp(logits);
  let sum = 0;
  for (const logit of logits) {
    const log = logit - total;
    const p = Math.exp(log);
    sum -= p === 0 ? 0 : p * log;
  }
  return sum;
}

/** Clamps negative values from rounding to zero. */
export function atLeastZero(divergence: number): number {
  return divergence < 0 ? 0 : divergence;
}

export function logProbability(logits: Float32Array, token: number): number {
  return logits[token] - logSumExp(logits);
}

/** 1 for the most likely; tokens of the same logit share the better rank. NaN if the logit is. */
export function rank(logits: Float32Array, token: number): number {
  const own = logits[token];
  if (Number.isNaN(own)) {
    return Number.NaN;
  }
  let above = 0;
  for (const value of logits) {
    above += value > own ? 1 : 0;
  }
  return above + 1;
}

/** The most likely token; the first one in a tie. */
export function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let token = 1; token < logits.length; token++) {
    best = logits[token] > logits[best] ? token : best;
  }
  return best;
}
