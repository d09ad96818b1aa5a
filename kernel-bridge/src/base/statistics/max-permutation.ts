/** A permutation test of many columns at once. */
import { drawn, randomNumbers } from './random';
import { countBelow } from './ranks';

export interface MaxPermutation {
  /** By column: Student's t of the labelled units against the others, with a least variance. */
  statistic: Float64Array;
  /**
   * By column, corrected for all of them: the probability that the largest statistic of any column is at least as large if
   * the label is permuted over units.
   */
  p: Float64Array;
}

/** With more divisions of the units into two groups, a random sample of them is drawn. */
const MAX_DIVISIONS = 20_000;
const DRAWS = 1_999;
const MIN_DRAWS = 499;
/** Drawing stops where this many draws are beyond every column: nothing is significant (Besag and Clifford 1991). */
const ENOUGH_BEYOND = 20;
/** Draws that a test takes for each one that it is corrected for, so that a single effect can be significant. */
const DRAWS_PER_TEST = 30;
/** Additions that a test may take: half a second; many tests together take no more than eight. */
const MAX_WORK = 3e8;
const FULL_TESTS = 8;

/**
 * Whether labelled units have larger values, in any of many columns: the largest-statistic test (Westfall and Young 1993,
 * Resampling-Based Multiple Testing). It is exact whatever the columns have in common; of all divisions where they are
 * few, otherwise of random ones with a fixed seed.
 *
 * @param rows one a unit, [columns]
 * @param labelled one a unit
 * @param noise [columns]: the variance that a unit's value has by itself, so that units that are alike by chance prove
 * nothing
 * @param tests how many such tests are made together
 */
export function maxPermutationTest(
  rows: readonly ArrayLike<number>[],
  labelled: readonly boolean[],
  noise: ArrayLike<number>,
  tests = 1
): MaxPermutation {
  const columns = noise.length;
  const units = rows.length;
  const own = [...rows.keys()].filter(unit => labelled[unit]);
  const nothing = {
    statistic: new Float64Array(columns),
    p: new Float64Array(columns).fill(1)
  };
  if (own.length === 0 || own.length === units || units < 3) {
    return nothing;
  }
  const statistics = statisticOf(rows, noise, own.length);
  const statistic = statistics(own).slice();
  const draws = drawsOf(units, own.length, columns, tests);
  const largest: number[] = [];
  const top = largestOf(statistic) - ROUNDING;
  let beyond = 0;
  for (const some of draws === undefined
    ? choices(units, own.length)
    : randomChoices(units, own.length, draws)) {
    const value = largestOf(statistics(some));
    largest.push(value);
    beyond += value >= top ? 1 : 0;
    if (draws !== undefined && beyond === ENOUGH_BEYOND) {
      break;
    }
  }
  const ascending = Float64Array.from(largest).sort();
  // The division that was observed is one of all, but not one of those drawn (Phipson and Smyth 2010).
  const more = draws === undefined ? 0 : 1;
  return {
    statistic,
    p: statistic.map(
      value =>
        (ascending.length - countBelow(ascending, value - ROUNDING) + more) /
        (ascending.length + more)
    )
  };
}

/** The same division in another order of additions differs by less. */
const ROUNDING = 1e-9;

function largestOf(values: Float64Array): number {
  let largest = -Infinity;
  for (let i = 0; i < values.length; i++) {
    largest = values[i] > largest ? values[i] : largest;
  }
  return largest;
}

/** Ways to choose some of all units. */
export function divisionCount(units: number, chosen: number): number {
  let count = 1;
  for (let i = 0; i < Math.min(chosen, units - chosen); i++) {
    count *= (units - i) / (i + 1);
  }
  return Math.round(count);
}

/** The statistics of a choice of units; the array is reused. */
function statisticOf(
  rows: readonly ArrayLike<number>[],
  noise: ArrayLike<number>,
  chosen: number
): (some: readonly number[]) => Float64Array {
  const columns = noise.length;
  const rest = rows.length - chosen;
  const total = new Float64Array(columns);
  const squares = new Float64Array(columns);
  for (const row of rows) {
    for (let c = 0; c < columns; c++) {
      total[c] += row[c];
      squares[c] += row[c] * row[c];
    }
  }
  const sums = new Float64Array(columns);
  const result = new Float64Array(columns);
  const scale = 1 / chosen + 1 / rest;
  return some => {
    sums.fill(0);
    for (const unit of some) {
      const row = rows[unit];
      for (let c = 0; c < columns; c++) {
        sums[c] += row[c];
      }
    }
    for (let c = 0; c < columns; c++) {
      const inside = sums[c] / chosen;
      const outside = (total[c] - sums[c]) / rest;
      const within =
        squares[c] - chosen * inside * inside - rest * outside * outside;
      const variance = Math.max(0, within) / (rows.length - 2) + noise[c];
      result[c] =
        variance > 0 ? (inside - outside) / Math.sqrt(variance * scale) : 0;
    }
    return result;
  };
}

/** How many random divisions are tried; undefined where all are. */
function drawsOf(
  units: number,
  chosen: number,
  columns: number,
  tests: number
): number | undefined {
  const work = MAX_WORK / Math.max(1, tests / FULL_TESTS);
  const affordable = Math.floor(work / (columns * (chosen + 4)));
  const all = divisionCount(units, chosen);
  return all <= Math.min(MAX_DIVISIONS, affordable)
    ? undefined
    : Math.max(MIN_DRAWS, DRAWS_PER_TEST * tests, Math.min(DRAWS, affordable));
}

function* randomChoices(
  units: number,
  chosen: number,
  draws: number
): Generator<number[]> {
  const random = randomNumbers(1);
  const all = Array.from({ length: units }, (_, unit) => unit);
  for (let draw = 0; draw < draws; draw++) {
    yield drawn(all, chosen, random);
  }
}

/** All ways to choose, in lexicographic order; the array is reused. */
function* choices(units: number, chosen: number): Generator<number[]> {
  const some = Array.from({ length: chosen }, (_, i) => i);
  for (;;) {
    yield some;
    let at = chosen - 1;
    while (at >= 0 && some[at] === units - chosen + at) {
      at--;
    }
    if (at < 0) {
      return;
    }
    some[at]++;
    for (let next = at + 1; next < chosen; next++) {
      some[next] = some[next - 1] + 1;
    }
  }
}
