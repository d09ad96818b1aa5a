/**
 * Weighted means of many values at once, over texts. What is within a text depends on each other, so that the standard error is
 * that of a ratio of text totals, by linearisation (Cochran 1977, Sampling Techniques, chapter 6); its degrees of freedom
 * are those of the effective number of texts (Kish 1965: squared sum of weights over the sum of their squares).
 */
import { studentTwoSided } from './student-t';

export interface MeanInterval {
  mean: number;
  /** Half the width of the interval; NaN where there are too few texts. */
  halfWidth: number;
}

export class ClusterMeans {
  clusters = 0;
  private readonly _totals: Float64Array;
  private readonly _weights: Float64Array;
  private readonly _squares: Float64Array;
  private readonly _products: Float64Array;
  private readonly _weightSquares: Float64Array;
  private readonly _quantiles = new Map<string, number>();

  constructor(readonly size: number) {
    this._totals = new Float64Array(size);
    this._weights = new Float64Array(size);
    this._squares = new Float64Array(size);
    this._products = new Float64Array(size);
    this._weightSquares = new Float64Array(size);
  }

  /**
   * Adds a text.
   * @param totals weighted sum of each value
   * @param weights of each value, or of all
   */
  add(totals: ArrayLike<number>, weights: ArrayLike<number> | number): void {
    this.clusters++;
    for (let i = 0; i < this.size; i++) {
      const total = totals[i];
      const weight = typeof weights === 'number' ? weights : weights[i];
      this._totals[i] += total;
      this._weights[i] += weight;
      this._squares[i] += total * total;
      this._products[i] += total * weight;
      this._weightSquares[i] += weight * weight;
    }
  }

  weight(i: number): number {
    return this._weights[i];
  }

  mean(i: number): number {
    return this._totals[i] / this._weights[i];
  }

  /** The mean with so much more weight at 0. */
  shrunkMean(i: number, weight: number): number {
    return this._totals[i] / (this._weights[i] + weight);
  }

  /** Standard error of the mean; NaN where fewer than two texts count. */
  error(i: number): number {
    if (this._degrees(i) < 1) {
      return NaN;
    }
    const n = this.clusters;
    const mean = this.mean(i);
    const squares =
      this._squares[i] -
      2 * mean * this._products[i] +
      mean * mean * this._weightSquares[i];
    return Math.sqrt((n / (n - 1)) * Math.max(0, squares)) / this._weights[i];
  }

  /** @param alpha how often the interval may miss the mean */
  interval(i: number, alpha: number): MeanInterval {
    const error = this.error(i);
    return {
      mean: this.mean(i),
      halfWidth: Number.isNaN(error)
        ? NaN
        : this._quantile(alpha, this._degrees(i)) * error
    };
  }

  /** All that another one was given, too. */
  plus(other: ClusterMeans): ClusterMeans {
    const both = new ClusterMeans(this.size);
    both.clusters = this.clusters + other.clusters;
    for (const key of [
      '_totals',
      '_weights',
      '_squares',
      '_products',
      '_weightSquares'
    ] as const) {
      both[key].set(this[key].map((value, i) => value + other[key][i]));
    }
    return both;
  }

  /** Rounded down. */
  private _degrees(i: number): number {
    const effective = this._weights[i] ** 2 / this._weightSquares[i];
    return Number.isNaN(effective) ? 0 : Math.floor(effective + 1e-9) - 1;
  }

  private _quantile(alpha: number, degrees: number): number {
    const key = `${alpha} ${degrees}`;
    let quantile = this._quantiles.get(key);
    if (quantile === undefined) {
      quantile = studentTwoSided(alpha, degrees);
      this._quantiles.set(key, quantile);
    }
    return quantile;
  }
}
