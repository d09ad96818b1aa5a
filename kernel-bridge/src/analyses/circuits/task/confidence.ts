/** How sure mean effects are: by resampling pairs, and by exchanging clean and corrupted in them. */
import {
  bootstrapInterval,
  LEAST_RESAMPLED,
  resamples
} from '../../../base/statistics/bootstrap';
import { signFlipTest } from '../../../base/statistics/sign-flips';
import type { CircuitConfidence } from '../../../base/protocol';

export interface ConfidenceOptions {
  resamples: number;
  seed: number;
  /** Columns whose intervals are wanted. */
  columns: readonly number[];
  /**
   * Which columns belong to the circuit of a resampled set of pairs.
   * @param means [columns], reused
   */
  members(means: Float64Array): Iterable<number>;
  /** Called often; may throw to stop, or return a promise to wait for. */
  step(): Promise<void> | undefined;
}

/**
 * @param rows effects of each pair, [columns]
 * @returns one for each wanted column
 */
export async function confidenceOf(
  rows: readonly Float64Array[],
  { resamples: count, seed, columns, members, step }: ConfidenceOptions
): Promise<CircuitConfidence[]> {
  const pairs = rows.length;
  const width = rows[0].length;
  const included = new Float64Array(width);
  const draws = pairs < LEAST_RESAMPLED ? 0 : count;
  const values = columns.map(() => new Float64Array(draws));
  const means = new Float64Array(width);
  let draw = 0;
  for (const counts of resamples(pairs, draws, seed)) {
    await step();
    weightedMeans(rows, counts, means);
    columns.forEach((column, i) => (values[i][draw] = means[column]));
    for (const column of members(means)) {
      included[column]++;
    }
    draw++;
  }
  const p = await signFlipTest(rows, seed, step);
  return columns.map((column, i) => {
    const interval = bootstrapInterval(values[i], pairs);
    return {
      included: draws === 0 ? null : included[column] / draws,
      low: interval?.low ?? null,
      high: interval?.high ?? null,
      p: p[column]
    };
  });
}

/** Mean of rows that are drawn a number of times each. */
export function weightedMeans(
  rows: readonly Float64Array[],
  counts: ArrayLike<number>,
  means: Float64Array
): void {
  means.fill(0);
  rows.forEach((row, r) => {
    const factor = counts[r] / rows.length;
    if (factor > 0) {
      for (let column = 0; column < means.length; column++) {
        means[column] += factor * row[column];
      }
    }
  });
}

/** Indices of the values furthest from 0, strongest first; those that are 0 are left out. */
export function strongest(values: Float64Array, size: number): number[] {
  if (size <= 0) {
    return [];
  }
  const strengths = values.map(Math.abs).sort();
  const least = strengths[Math.max(0, strengths.length - size)];
  const found: number[] = [];
  values.forEach((value, i) => {
    if (value !== 0 && Math.abs(value) >= least) {
      found.push(i);
    }
  });
  return found
    .sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]) || a - b)
    .slice(0, size);
}
