/** Confidence intervals. */
import { Z_ONE_SIDED_95, Z_TWO_SIDED_95 } from './normal';
import { upperStudentQuantile } from './student-t';
import { mean, sampleDeviation } from './summary';

export interface Interval {
  low: number;
  high: number;
}

/**
 * Wilson's score interval of a proportion, by default two-sided at 95 % (Wilson 1927, JASA 22).
 * Without observations it is [0, 1].
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
 * One-sided 95 % upper bound of a rate: 3/T for an event that never occurred (rule of three; Hanley and Lippman-Hand 1983,
 * JAMA 249), otherwise Wilson's.
 */
export function upperBound(successes: number, trials: number): number {
  if (trials <= 0) {
    return 1;
  }
  return successes === 0
    ? Math.min(1, 3 / trials)
    : wilsonInterval(successes, trials, Z_ONE_SIDED_95).high;
}

/** Interval of a mean by Student's t; undefined for fewer than two values. */
export function studentInterval(
  values: readonly number[],
  level = 0.95
): Interval | undefined {
  const n = values.length;
  if (n < 2) {
    return undefined;
  }
  const centre = mean(values);
  const half =
    (upperStudentQuantile((1 - level) / 2, n - 1) * sampleDeviation(values)) /
    Math.sqrt(n);
  return { low: centre - half, high: centre + half };
}

/** 95 % interval of a mean by the normal approximation, from sums of values and of their squares. */
export function meanInterval(
  total: number,
  squares: number,
  count: number
): Interval {
  const centre = total / count;
  const variance = Math.max(0, squares / count - centre ** 2);
  const half = Z_TWO_SIDED_95 * Math.sqrt(variance / Math.max(1, count - 1));
  return { low: centre - half, high: centre + half };
}

export interface Jackknife {
  /** Standard error; NaN with fewer than two groups. */
  error: number;
  groups: number;
}

/**
 * Standard error of a statistic of summed counts by leaving out one group of text at a time (delete-a-group
 * jackknife; Kott 2001, Journal of Official Statistics 17). Tokens of one text are correlated, so treating tokens as
 * independent would underestimate the error.
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
