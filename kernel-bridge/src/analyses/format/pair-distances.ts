/** Distances between texts, and ratios to them, with intervals over texts. */
import { studentTwoSided95 } from '../../base/statistics/student-t';
import { mean } from '../../base/statistics/summary';
import type { Estimate } from './format-document';

/** Earlier texts that a text is compared with: all of a small set, and bounded work for a large one. */
const NEIGHBOURS = 32;

/** Mean distance between different texts. A text is in many pairs, so intervals leave out one text at a time. */
export class PairDistances {
  private readonly _recent: {
    text: number;
    shares: readonly Float64Array[];
  }[] = [];
  /** By text: sum of its distances, and their number. */
  private readonly _sums: number[] = [];
  private readonly _counts: number[] = [];

  get texts(): number {
    return this._sums.length;
  }

  /** @returns the text's number */
  add(
    shares: readonly Float64Array[],
    distance: (a: readonly Float64Array[], b: readonly Float64Array[]) => number
  ): number {
    const text = this._sums.length;
    this._sums.push(0);
    this._counts.push(0);
    for (const other of this._recent) {
      const value = distance(shares, other.shares);
      for (const one of [text, other.text]) {
        this._sums[one] += value;
        this._counts[one]++;
      }
    }
    this._recent.push({ text, shares });
    if (this._recent.length > NEIGHBOURS) {
      this._recent.shift();
    }
    return text;
  }

  /** Null of one text. */
  estimate(): Estimate | null {
    const { sum, pairs } = this._total();
    if (pairs === 0) {
      return null;
    }
    return jackknifed(sum / pairs, this._withoutEach({ sum, pairs }));
  }

  /**
   * The mean of values of some texts over the mean distance between texts.
   * @param texts numbers of the texts that have a value
   */
  ratioOf(
    texts: readonly number[],
    values: readonly number[]
  ): Estimate | null {
    const { sum, pairs } = this._total();
    const total = values.reduce((all, value) => all + value, 0);
    const ratio = total / values.length / (sum / pairs);
    if (!Number.isFinite(ratio)) {
      return null;
    }
    const valueOf = new Map(texts.map((text, i) => [text, values[i]]));
    return jackknifed(
      ratio,
      this._withoutEach({ sum, pairs }).map((distance, text) => {
        const own = valueOf.get(text);
        const rest = values.length - (own === undefined ? 0 : 1);
        return (total - (own ?? 0)) / rest / distance;
      })
    );
  }

  private _total(): { sum: number; pairs: number } {
    const half = (values: readonly number[]): number =>
      values.reduce((all, value) => all + value, 0) / 2;
    return { sum: half(this._sums), pairs: half(this._counts) };
  }

  /** The mean distance without each text. */
  private _withoutEach({
    sum,
    pairs
  }: {
    sum: number;
    pairs: number;
  }): number[] {
    return this._sums.map(
      (own, text) => (sum - own) / (pairs - this._counts[text])
    );
  }
}

/** The ratio of two means over the same texts; null where the second is 0. */
export function ratioEstimate(
  above: readonly number[],
  below: readonly number[]
): Estimate | null {
  const ratio = mean(above) / mean(below);
  if (!Number.isFinite(ratio)) {
    return null;
  }
  const [a, b] = [above, below].map(values =>
    values.reduce((sum, value) => sum + value, 0)
  );
  return jackknifed(
    ratio,
    above.map((value, i) => (a - value) / (b - below[i]))
  );
}

/**
 * A statistic with its 95 % interval from the statistics without one text each (Tukey's jackknife), by Student's t. No
 * interval where leaving out a text leaves nothing to compare.
 */
function jackknifed(all: number, without: readonly number[]): Estimate {
  const n = without.length;
  if (n < 2 || without.some(value => !Number.isFinite(value))) {
    return { mean: all, low: null, high: null };
  }
  const centre = mean(without);
  const squares = without.reduce(
    (sum, value) => sum + (value - centre) ** 2,
    0
  );
  const half = studentTwoSided95(n - 1) * Math.sqrt(((n - 1) / n) * squares);
  return { mean: all, low: Math.max(0, all - half), high: all + half };
}
