/** Resampling with replacement. */
import type { Interval } from './intervals';
import { upperNormalTail } from './normal';
import { randomNumbers } from './random';
import { studentTwoSided95 } from './student-t';

/** Fewer units say too little of how units differ. */
export const LEAST_RESAMPLED = 4;

/** How often each unit is drawn: one list of counts a resample, always the same for a seed. The array is reused. */
export function* resamples(
  units: number,
  count: number,
  seed: number
): Generator<Int32Array> {
  const random = randomNumbers(seed);
  const drawn = new Int32Array(units);
  for (let i = 0; i < count; i++) {
    drawn.fill(0);
    for (let draw = 0; draw < units; draw++) {
      drawn[Math.floor(random() * units)]++;
    }
    yield drawn;
  }
}

/**
 * 95 % interval from the values of a statistic over resamples: percentiles, taken as far out as Student's t is wider than
 * the normal distribution for so few units (expanded percentile interval; Hesterberg 2015, arXiv:1411.5279).
 *
 * @returns undefined for fewer than four units, or without values
 */
export function bootstrapInterval(
  values: ArrayLike<number>,
  units: number
): Interval | undefined {
  if (units < LEAST_RESAMPLED || values.length === 0) {
    return undefined;
  }
  const sorted = Float64Array.from(values).sort();
  const tail = upperNormalTail(
    Math.sqrt(units / (units - 1)) * studentTwoSided95(units - 1)
  );
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  };
  return { low: at(tail), high: at(1 - tail) };
}
