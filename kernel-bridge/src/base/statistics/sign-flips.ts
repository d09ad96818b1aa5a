/** A test of the means of many columns at once, for rows that are paired differences. */
import { monteCarloP } from './monte-carlo';
import { randomNumbers } from './random';

/** With more ways to choose the signs, a random sample of them is drawn. */
const MAX_FLIPS = 4096;
const DRAWS = 1999;
/** The same mean in another order of additions differs by less, relative to the largest. */
const ROUNDING = 1e-9;

/**
 * Whether the mean of a column is other than 0, corrected for all columns: the share of ways to choose the sign of each
 * row for which a mean is at least as far from 0, among the columns whose mean is no stronger (step-down
 * largest-statistic test; Westfall and Young 1993, Resampling-Based Multiple Testing). Exact whatever the columns have in
 * common, where a row is as likely as its negative. The least p is 2 / 2^rows.
 *
 * @param rows each [columns]
 * @param step called before each choice of signs; may throw to end the test, or return a promise to wait for
 */
export async function signFlipTest(
  rows: readonly Float64Array[],
  seed: number,
  step: () => Promise<void> | undefined = () => undefined
): Promise<Float64Array> {
  const columns = rows[0].length;
  const observed = new Float64Array(columns);
  addTo(observed, rows, () => 1);
  const order = Int32Array.from(observed.keys()).sort(
    (a, b) => Math.abs(observed[b]) - Math.abs(observed[a])
  );
  // By strength, strongest first.
  const sorted = rows.map(row => Float64Array.from(order, at => row[at]));
  const strength = Float64Array.from(order, at => Math.abs(observed[at]));
  const slack = columns === 0 ? 0 : ROUNDING * strength[0];
  const counts = new Float64Array(columns);
  const sums = new Float64Array(columns);
  // A choice of signs and its opposite have the same strengths, so the first row keeps its sign.
  const ways = 2 ** (rows.length - 1);
  const all = ways <= MAX_FLIPS;
  const random = randomNumbers(seed);
  const draws = all ? ways : DRAWS;
  for (let draw = 0; draw < draws; draw++) {
    await step();
    sums.fill(0);
    addTo(sums, sorted, row =>
      row > 0 && (all ? (draw >> (row - 1)) & 1 : random() < 0.5) ? -1 : 1
    );
    let largest = -slack;
    for (let rank = columns - 1; rank >= 0; rank--) {
      const own = Math.abs(sums[rank]);
      largest = own > largest ? own : largest;
      counts[rank] += largest >= strength[rank] - slack ? 1 : 0;
    }
  }
  const p = new Float64Array(columns);
  let most = 0;
  order.forEach((column, rank) => {
    most = Math.max(
      most,
      all ? counts[rank] / draws : monteCarloP(counts[rank], draws)
    );
    p[column] = strength[rank] === 0 ? 1 : most;
  });
  return p;
}

/** Adds rows, each times its sign. */
function addTo(
  sums: Float64Array,
  rows: readonly Float64Array[],
  signOf: (row: number) => 1 | -1
): void {
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r];
    const sign = signOf(r);
    for (let column = 0; column < sums.length; column++) {
      sums[column] += sign * row[column];
    }
  }
}
