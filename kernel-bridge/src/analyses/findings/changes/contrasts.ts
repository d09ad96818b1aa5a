/** How large a difference within a series of rows is, and how often chance makes one as large. */
import { upperFisherTail } from '../../../base/statistics/fisher-f';
import type { SeriesRow } from '../../../measures';

/**
 * Rows as deviations from the rates of all, [experts] each: in units of the deviation of each expert, and such that rows of
 * any length vary alike.
 */
export interface Deviations {
  rows: Float64Array[];
  /** Square roots of what each row counts. */
  roots: Float64Array;
  /** [experts]: standard deviation of the rate of a row that counts one. */
  spread: Float64Array;
}

export function deviations(rows: readonly SeriesRow[]): Deviations {
  const experts = [...rows[0].counts.keys()];
  const within = correlationWithin(rows);
  // A long row whose tokens are routed alike says little more than a short one.
  const weights = rows.map(
    ({ tokens }) => tokens / (1 + (tokens - 1) * within)
  );
  const total = weights.reduce((a, b) => a + b, 0);
  const rates = experts.map(
    e =>
      rows.reduce(
        (sum, { counts, tokens }, i) => sum + (weights[i] * counts[e]) / tokens,
        0
      ) / total
  );
  const spread = Float64Array.from(rates, (rate, e) => {
    const squares = rows.reduce(
      (sum, { counts, tokens }, i) =>
        sum + weights[i] * (counts[e] / tokens - rate) ** 2,
      0
    );
    // At least that of independent tokens.
    return Math.sqrt(Math.max(squares / rows.length, rate * (1 - rate)));
  });
  return {
    rows: rows.map(({ counts, tokens }, i) =>
      Float64Array.from(rates, (rate, e) =>
        spread[e] > 0
          ? (Math.sqrt(weights[i]) * (counts[e] / tokens - rate)) / spread[e]
          : 0
      )
    ),
    roots: Float64Array.from(weights, Math.sqrt),
    spread
  };
}

/** How alike the tokens of a row are routed, over all experts: by how much more than independent tokens rows vary. */
function correlationWithin(rows: readonly SeriesRow[]): number {
  const tokens = rows.reduce((sum, row) => sum + row.tokens, 0);
  let [squares, tests] = [0, 0];
  for (let e = 0; e < rows[0].counts.length; e++) {
    const rate = rows.reduce((sum, { counts }) => sum + counts[e], 0) / tokens;
    if (rate > 0 && rate < 1) {
      tests += rows.length - 1;
      for (const { counts, tokens: own } of rows) {
        squares += (counts[e] - rate * own) ** 2 / (own * rate * (1 - rate));
      }
    }
  }
  const more = tokens / rows.length - 1;
  return tests === 0 || more <= 0
    ? 0
    : Math.min(1, Math.max(0, (squares / tests - 1) / more));
}

/** Weights of rows that sum to zero over tokens, with squares that sum to one. */
export function normalised(
  values: ArrayLike<number>,
  roots: Float64Array
): Float64Array {
  let [weight, mean] = [0, 0];
  roots.forEach((root, i) => {
    weight += root ** 2;
    mean += root ** 2 * values[i];
  });
  const contrast = roots.map((root, i) => root * (values[i] - mean / weight));
  const norm = Math.hypot(...contrast);
  return contrast.map(value => value / norm);
}

/** The difference that a contrast of rows sees, [experts]. */
export function differenceOf(
  rows: readonly Float64Array[],
  contrast: Float64Array
): Float64Array {
  const sum = new Float64Array(rows[0].length);
  rows.forEach((row, i) =>
    row.forEach((value, e) => (sum[e] += contrast[i] * value))
  );
  return sum;
}

export function squaredNorm(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value ** 2, 0);
}

/** Rows without what contrasts of them explain. */
export function residuals(
  rows: readonly Float64Array[],
  contrast: Float64Array
): Float64Array[] {
  const difference = differenceOf(rows, contrast);
  return rows.map((row, i) =>
    row.map((value, e) => value - contrast[i] * difference[e])
  );
}

/** Products of rows, as far apart as this, that are taken as dependent where they are. */
const MAX_LAG = 3;

/**
 * Distribution of the squared difference of a contrast by chance: rows that differ from each other as the residuals do, in
 * any order. Its mean and variance are those of a quadratic form, with the trace of the squared covariance from products
 * of different rows (Chen and Qin 2010, Annals of Statistics 38), and Fisher's F has its tail, as the mean is estimated.
 * Where neighbouring rows depend on each other, it is wider by their correlation.
 */
export class ChanceOf {
  private readonly _mean: number;
  private readonly _mixed: number;
  private readonly _own: number;
  private readonly _degrees: number;
  /** How much more than independent rows a contrast varies. */
  readonly dependence: number;

  /** @param explained contrasts that the residuals are without */
  constructor(rows: readonly Float64Array[], explained: number) {
    const n = rows.length;
    const degrees = n - 1 - explained;
    this._degrees = degrees;
    const own = rows.map(squaredNorm);
    const mean = own.reduce((a, b) => a + b, 0) / n;
    let products = 0;
    const lags = new Float64Array(MAX_LAG + 1);
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) {
        let product = 0;
        for (let e = 0; e < rows[i].length; e++) {
          product += rows[i][e] * rows[j][e];
        }
        products += 2 * product ** 2;
        if (j - i <= MAX_LAG) {
          lags[j - i] += product;
        }
      }
    }
    const scale = n / degrees;
    const covariance = (products / (n * (n - 1))) * scale ** 2;
    this._mean = mean * scale;
    this._mixed = 2 * covariance;
    this._own = Math.max(
      2 * covariance,
      (own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / degrees) *
        scale ** 2
    );
    const noise = Math.sqrt(covariance / n) / this._mean;
    this.dependence = lags.slice(1).reduce((sum, lag, i) => {
      const correlation = lag / ((n - i - 1) * mean);
      return correlation > 2 * noise ? sum + 2 * correlation : sum;
    }, 1);
  }

  mean(): number {
    return this._mean * this.dependence;
  }

  deviation(contrast: Float64Array): number {
    return Math.sqrt(this._variance(contrast)) * this.dependence;
  }

  /** P that the squared difference is as large. */
  p(squared: number, contrast: Float64Array): number {
    if (!(this._mean > 0)) {
      return 1;
    }
    const independent = (2 * this._mean ** 2) / this._variance(contrast);
    return upperFisherTail(
      squared / this.mean(),
      independent,
      independent * this._degrees
    );
  }

  private _variance(contrast: Float64Array): number {
    const fourth = contrast.reduce((sum, weight) => sum + weight ** 4, 0);
    return fourth * this._own + (1 - fourth) * this._mixed;
  }
}
