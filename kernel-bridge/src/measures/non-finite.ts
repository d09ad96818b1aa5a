/** Numbers that are not finite, in weights, in outputs and in what a router captured. */

export function countNonFinite(values: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < values.length; i++) {
    found += Number.isFinite(values[i]) ? 0 : 1;
  }
  return found;
}

/** Tokens, in order, with a logit or a weight that is NaN or Infinity. A masked expert's logit may be -Infinity. */
export function nonFiniteTokens({
  logits,
  weights,
  experts,
  topK
}: {
  logits: ArrayLike<number>;
  weights: ArrayLike<number>;
  experts: number;
  topK: number;
}): number[] {
  const bad: number[] = [];
  const tokens = weights.length / topK;
  for (let t = 0; t < tokens; t++) {
    if (
      isBroken(weights, t * topK, (t + 1) * topK) ||
      (logits.length > 0 && isBroken(logits, t * experts, (t + 1) * experts))
    ) {
      bad.push(t);
    }
  }
  return bad;
}

function isBroken(
  values: ArrayLike<number>,
  from: number,
  to: number
): boolean {
  for (let i = from; i < to; i++) {
    if (Number.isNaN(values[i]) || values[i] === Infinity) {
      return true;
    }
  }
  return false;
}
