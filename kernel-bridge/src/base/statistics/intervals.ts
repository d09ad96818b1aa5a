/** How sure an estimate is. */

/** Quantiles of the normal distribution. */
export const Z_TWO_SIDED_95 = 1.959963984540054;
export const Z_ONE_SIDED_95 = 1.6448536269514722;

export interface Interval {
  low: number;
  high: number;
}

/**
 * Wilson's score interval of a proportion, by default two-sided at 95 % (Wilson 1927, JASA 22).
 * Nothing seen says nothing: [0, 1].
 */
export function wilsonInterval(
  successes: number,
  trials: number,
  z = Z_TWO_SIDED_95
): Interval {
  if (trials <= 0) {
    return { low: 0, high: 1 };
  }
  const p = successes / trials;
  const center = p + z ** 2 / (2 * trials);
  const half = z * Math.sqrt((p * (1 - p)) / trials + (z / (2 * trials)) ** 2);
  const scale = 1 + z ** 2 / trials;
  return {
    low: successes <= 0 ? 0 : Math.max(0, (center - half) / scale),
    high: successes >= trials ? 1 : Math.min(1, (center + half) / scale)
  };
}

/**
 * One-sided 95 % upper bound of a rate: of what was never seen 3/T (rule of three; Hanley and Lippman-Hand 1983, JAMA
 * 249), otherwise Wilson's.
 */
export function upperBound(successes: number, trials: number): number {
  if (trials <= 0) {
    return 1;
  }
  return successes === 0
    ? Math.min(1, 3 / trials)
    : wilsonInterval(successes, trials, Z_ONE_SIDED_95).high;
}

/** Mean of a sample with its 95 % interval by the normal approximation. */
export function meanInterval(
  total: number,
  squares: number,
  count: number
): Interval {
  const mean = total / count;
  const variance = Math.max(0, squares / count - mean ** 2);
  const half = Z_TWO_SIDED_95 * Math.sqrt(variance / Math.max(1, count - 1));
  return { low: mean - half, high: mean + half };
}

export interface Jackknife {
  /** Standard error; NaN with fewer than two groups. */
  error: number;
  groups: number;
}

/**
 * Standard error of a statistic of summed counts by leaving out one group of text at a time (delete-a-group
 * jackknife; Kott 2001, Journal of Official Statistics 17). Tokens of one text resemble each other, so that counting
 * tokens as if they were independent would claim too much.
 *
 * @param groups each [E], selections
 */
export function jackknife(
  groups: readonly Float64Array[],
  statistic: (counts: Float64Array) => number
): Jackknife {
  const n = groups.length;
  if (n < 2) {
    return { error: NaN, groups: n };
  }
  const total = new Float64Array(groups[0].length);
  groups.forEach(group => group.forEach((count, e) => (total[e] += count)));
  const all = statistic(total);
  let squares = 0;
  for (const group of groups) {
    const without = statistic(total.map((count, e) => count - group[e]));
    squares += (without - all) ** 2;
  }
  return { error: Math.sqrt(((n - 1) / n) * squares), groups: n };
}

/** The 95 % point of Student's t, one-sided. */
export function studentOneSided95(degrees: number): number {
  return studentPoint(
    degrees,
    Z_ONE_SIDED_95,
    [6.313751514675043, 2.919985580353726]
  );
}

/** The 97.5 % point of Student's t: half the width of a two-sided 95 % interval, in standard errors. */
export function studentTwoSided95(degrees: number): number {
  return studentPoint(
    degrees,
    Z_TWO_SIDED_95,
    [12.706204736174707, 4.302652729749464]
  );
}

/**
 * A point of Student's t by its Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5).
 * @param z the same point of the normal distribution
 * @param exact the points for one and two degrees of freedom
 */
function studentPoint(
  degrees: number,
  z: number,
  exact: readonly [number, number]
): number {
  if (degrees < 1) {
    return Infinity;
  }
  if (degrees < 3) {
    return exact[degrees === 1 ? 0 : 1];
  }
  const g = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) /
      92_160
  ];
  return g.reduce((t, term, i) => t + term / degrees ** (i + 1), z);
}
