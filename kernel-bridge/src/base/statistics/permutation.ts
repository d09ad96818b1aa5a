/** Tests against the null that labels were dealt at random, and what to do when many are made at once. */

/** Above this many units, or cells of the table of sums, the normal approximation is as good as exact. */
const EXACT_UNITS = 400;
const EXACT_CELLS = 5e7;

/**
 * Rank-sum test (Wilcoxon 1945, Mann and Whitney 1947), one-sided: how likely units with a label would have ranks as high
 * as theirs if labels were dealt at random among units. The permutation distribution itself, ties included, where it can
 * be counted; its normal approximation with tie and continuity corrections otherwise.
 *
 * @param values one a unit
 * @param labelled one a unit
 * @returns p; 1 when all units or none have the label
 */
export function rankSumTest(
  values: ArrayLike<number>,
  labelled: ArrayLike<unknown>
): number {
  const total = values.length;
  let chosen = 0;
  for (let i = 0; i < total; i++) {
    chosen += labelled[i] ? 1 : 0;
  }
  if (chosen === 0 || chosen === total) {
    return 1;
  }
  const { doubled, ties } = doubledMidRanks(values);
  let observed = 0;
  for (let i = 0; i < total; i++) {
    observed += labelled[i] ? doubled[i] : 0;
  }
  const cells = total * chosen * 2 * total * chosen;
  return total <= EXACT_UNITS && cells <= EXACT_CELLS
    ? exactTail(doubled, chosen, observed)
    : normalTail(observed / 2, chosen, total, ties);
}

/** Twice the mid-ranks, so that they are whole, and the sum of t^3 - t over groups of t ties. */
function doubledMidRanks(values: ArrayLike<number>): {
  doubled: Int32Array;
  ties: number;
} {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => values[a] - values[b]
  );
  const doubled = new Int32Array(values.length);
  let ties = 0;
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) {
      end++;
    }
    for (let i = start; i < end; i++) {
      doubled[order[i]] = start + 1 + end;
    }
    ties += (end - start) ** 3 - (end - start);
    start = end;
  }
  return { doubled, ties };
}

/** P(sum of `chosen` ranks drawn without replacement >= observed), by counting all draws. */
function exactTail(
  ranks: Int32Array,
  chosen: number,
  observed: number
): number {
  const most = [...ranks].sort((a, b) => b - a).slice(0, chosen);
  const width = most.reduce((a, b) => a + b, 0) + 1;
  // ways[n][s] / C(i, n): kept as probabilities, unit by unit, so that nothing overflows.
  const ways = Array.from(
    { length: chosen + 1 },
    () => new Float64Array(width)
  );
  ways[0][0] = 1;
  let seen = 0;
  for (const rank of ranks) {
    seen++;
    for (let n = Math.min(chosen, seen); n >= 0; n--) {
      const take = n / seen;
      const here = ways[n];
      const below = ways[n - 1];
      for (let s = width - 1; s >= 0; s--) {
        here[s] =
          (1 - take) * here[s] +
          (n > 0 && s >= rank ? take * below[s - rank] : 0);
      }
    }
  }
  let tail = 0;
  for (let s = observed; s < width; s++) {
    tail += ways[chosen][s];
  }
  return Math.min(1, tail);
}

function normalTail(
  observed: number,
  chosen: number,
  total: number,
  ties: number
): number {
  const mean = (chosen * (total + 1)) / 2;
  const variance =
    ((chosen * (total - chosen)) / 12) *
    (total + 1 - ties / (total * (total - 1)));
  return variance <= 0
    ? 1
    : upperNormalTail((observed - mean - 0.5) / Math.sqrt(variance));
}

/** P(Z >= z); relative precision is kept far into the tail (continued fraction, Abramowitz and Stegun 26.2.14). */
export function upperNormalTail(z: number): number {
  if (z < 0) {
    return 1 - upperNormalTail(-z);
  }
  if (z > 5) {
    let fraction = z;
    for (let k = 60; k >= 1; k--) {
      fraction = z + k / fraction;
    }
    return Math.exp((-z * z) / 2) / (Math.sqrt(2 * Math.PI) * fraction);
  }
  // Series of the integral from 0 to z (26.2.11).
  let term = z;
  let integral = z;
  for (let k = 1; k < 200; k++) {
    term *= (z * z) / (2 * k + 1);
    integral += term;
  }
  return 0.5 - (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * integral;
}

/** P(X >= successes) of a binomial. */
export function binomialTail(
  successes: number,
  trials: number,
  p: number
): number {
  if (successes <= 0) {
    return 1;
  }
  if (p <= 0 || p >= 1) {
    return p >= 1 ? 1 : 0;
  }
  let logChoose = 0;
  let tail = 0;
  for (let x = trials; x >= successes; x--) {
    tail += Math.exp(
      logChoose + x * Math.log(p) + (trials - x) * Math.log1p(-p)
    );
    logChoose += Math.log(x) - Math.log(trials - x + 1);
  }
  return Math.min(1, tail);
}

/**
 * P(X >= both) when `drawn` of `total` units are drawn at random, `marked` of which are marked: Fisher's exact test,
 * one-sided (Fisher 1935, "The Logic of Inductive Inference").
 */
export function hypergeometricTail(
  both: number,
  drawn: number,
  marked: number,
  total: number
): number {
  const least = Math.max(0, drawn + marked - total);
  const most = Math.min(drawn, marked);
  if (both <= least) {
    return 1;
  }
  let tail = 0;
  for (let x = most; x >= both; x--) {
    tail += Math.exp(
      logChoose(marked, x) +
        logChoose(total - marked, drawn - x) -
        logChoose(total, drawn)
    );
  }
  return Math.min(1, tail);
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

const logFactorials = [0];

function logFactorial(n: number): number {
  for (let i = logFactorials.length; i <= n; i++) {
    logFactorials.push(logFactorials[i - 1] + Math.log(i));
  }
  return logFactorials[n];
}

/**
 * p-values corrected for the number of tests (Benjamini and Hochberg 1995): calling those below q significant, a share of
 * at most q of the calls is expected to be false.
 *
 * @param tests how many were made, where not all of their p-values are given; the others count as 1
 */
export function benjaminiHochberg(
  pValues: readonly number[],
  tests = pValues.length
): number[] {
  const order = pValues
    .map((_, i) => i)
    .sort((a, b) => pValues[b] - pValues[a]);
  const corrected = new Array<number>(pValues.length);
  let least = 1;
  order.forEach((i, fromEnd) => {
    const rank = pValues.length - fromEnd;
    least = Math.min(least, (pValues[i] * tests) / rank);
    corrected[i] = least;
  });
  return corrected;
}
