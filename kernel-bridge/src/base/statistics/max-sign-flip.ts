/** A paired test of many columns at once. */
import { randomNumbers } from './random';
import { countBelow } from './ranks';

export interface SignFlips {
  /** By column: the mean difference. */
  mean: Float64Array;
  /** By column, corrected for all of them; two-sided. */
  p: Float64Array;
}

/** With more units, random flips are drawn. */
const MAX_EXACT = 12;
const DRAWS = 1_999;
const MIN_DRAWS = 499;
/** Drawing stops where this many draws are beyond every column: nothing is significant (Besag and Clifford 1991). */
const ENOUGH_BEYOND = 20;
/** Additions that a test may take: half a second. */
const MAX_WORK = 3e8;
/** The same flips in another order of additions differ by less. */
const ROUNDING = 1e-9;

/**
 * Whether paired differences are not symmetric about 0, in any of many columns: the largest-statistic test with flipped
 * signs of whole units (Westfall and Young 1993). It is exact whatever the columns have in common; of all flips where they
 * are few, otherwise of random ones with a fixed seed.
 *
 * @param rows differences, one a unit, [columns]
 */
export function maxSignFlipTest(rows: readonly ArrayLike<number>[]): SignFlips {
  const units = rows.length;
  const columns = rows[0]?.length ?? 0;
  const scale = new Float64Array(columns);
  for (const row of rows) {
    for (let c = 0; c < columns; c++) {
      scale[c] += row[c] * row[c];
    }
  }
  for (let c = 0; c < columns; c++) {
    scale[c] = scale[c] > 0 ? 1 / Math.sqrt(scale[c]) : 0;
  }
  const sums = new Float64Array(columns);
  // Flips keep the squares, so that Student's t grows with this.
  const statistics = (signs: ArrayLike<number>): Float64Array => {
    sums.fill(0);
    for (let u = 0; u < units; u++) {
      const row = rows[u];
      const sign = signs[u];
      for (let c = 0; c < columns; c++) {
        sums[c] += sign * row[c];
      }
    }
    return sums.map((sum, c) => Math.abs(sum) * scale[c]);
  };
  const ones = new Int8Array(units).fill(1);
  const statistic = statistics(ones);
  const mean = sums.map(sum => sum / Math.max(1, units));
  const isExact = units <= MAX_EXACT;
  const top = largestOf(statistic) - ROUNDING;
  const largest: number[] = [];
  let beyond = 0;
  for (const signs of isExact
    ? allSigns(units)
    : randomSigns(units, drawsOf(units, columns))) {
    const value = largestOf(statistics(signs));
    largest.push(value);
    beyond += value >= top ? 1 : 0;
    if (!isExact && beyond === ENOUGH_BEYOND) {
      break;
    }
  }
  const ascending = Float64Array.from(largest).sort();
  // The observed signs are one of all, but not one of those drawn (Phipson and Smyth 2010).
  const more = isExact ? 0 : 1;
  return {
    mean,
    p: statistic.map(
      value =>
        (ascending.length - countBelow(ascending, value - ROUNDING) + more) /
        (ascending.length + more)
    )
  };
}

function largestOf(values: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    largest = values[i] > largest ? values[i] : largest;
  }
  return largest;
}

function drawsOf(units: number, columns: number): number {
  const affordable = Math.floor(MAX_WORK / Math.max(1, units * columns));
  return Math.max(MIN_DRAWS, Math.min(DRAWS, affordable));
}

/** The array is reused. */
function* allSigns(units: number): Generator<Int8Array> {
  const signs = new Int8Array(units);
  for (let bits = 0; bits < 2 ** units; bits++) {
    for (let u = 0; u < units; u++) {
      signs[u] = (bits >> u) & 1 ? -1 : 1;
    }
    yield signs;
  }
}

function* randomSigns(units: number, draws: number): Generator<Int8Array> {
  const random = randomNumbers(1);
  const signs = new Int8Array(units);
  for (let draw = 0; draw < draws; draw++) {
    for (let u = 0; u < units; u++) {
      signs[u] = random() < 0.5 ? -1 : 1;
    }
    yield signs;
  }
}
