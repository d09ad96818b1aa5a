/** Numbers that are not finite, in weights, in outputs and in what a router captured. */

export function countNonFinite(values: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < values.length; i++) {
    found += Number.isFinite(values[i]) ? 0 : 1;
  }
  return found;
}

/**
 * Tokens, in order, with a logit or a weight that is NaN or Infinity. What is empty was not recorded. A masked expert's
 * logit may be -Infinity, and a slot without an expert has no weight.
 */
export function nonFiniteTokens({
  logits,
  weights,
  selected,
  experts,
  topK
}: {
  logits: ArrayLike<number>;
  weights: ArrayLike<number>;
  selected: ArrayLike<number>;
  experts: number;
  topK: number;
}): number[] {
  const bad: number[] = [];
  const tokens = selected.length / topK;
  for (let t = 0; t < tokens; t++) {
    if (
      hasBroken(logits, t * experts, (t + 1) * experts) ||
      hasBroken(weights, t * topK, (t + 1) * topK, selected)
    ) {
      bad.push(t);
    }
  }
  return bad;
}

/** @param selected only values of slots with an expert count */
function hasBroken(
  values: ArrayLike<number>,
  from: number,
  to: number,
  selected?: ArrayLike<number>
): boolean {
  for (let i = from; i < Math.min(to, values.length); i++) {
    if (
      (Number.isNaN(values[i]) || values[i] === Infinity) &&
      !(selected && selected[i] < 0)
    ) {
      return true;
    }
  }
  return false;
}
