/**
 * By how much the change from ablating an expert exceeds the change from its control, in size: |E c| - |E m| over prompts. It exceeds in size where s c - m and s c + m are both above 0 on average, s the sign of the mean change
 * (intersection-union test, Berger 1982, Technometrics 24), so two means are tested, and the weaker one counts.
 */
import {
  studentOfNormal,
  normalOfStudent
} from '../../base/statistics/student-t';

/** One prompt: criterion, ablated minus original. */
export interface Compared {
  change: number;
  /** The same of the control: as many tokens of other experts. */
  matched: number;
}

/** Sums over prompts, so that millions of draws are fast. */
export class Excess {
  private _prompts = 0;
  private _change = 0;
  private _matched = 0;
  private _changeSquares = 0;
  private _matchedSquares = 0;
  private _products = 0;

  static of(all: readonly Compared[]): Excess {
    const excess = new Excess();
    all.forEach(({ change, matched }) => excess.add(change, matched));
    return excess;
  }

  add(change: number, matched: number): void {
    this._prompts++;
    this._change += change;
    this._matched += matched;
    this._changeSquares += change * change;
    this._matchedSquares += matched * matched;
    this._products += change * matched;
  }

  get prompts(): number {
    return this._prompts;
  }

  /** Mean over prompts. */
  get value(): number {
    return Math.min(this._beyond(-1).mean, this._beyond(1).mean);
  }

  /** Standard error; NaN for fewer than two prompts. */
  get error(): number {
    return Math.max(this._beyond(-1).error, this._beyond(1).error);
  }

  /**
   * How surely both means are above 0: the smaller Student's t, as a standard normal score, so that experts of different
   * numbers of prompts compare.
   */
  get score(): number {
    return this._prompts < 2
      ? 0
      : normalOfStudent(
          Math.min(studentOf(this._beyond(-1)), studentOf(this._beyond(1))),
          this._prompts - 1
        );
  }

  /** The excesses that are less far from this one than a score: its lower end is above 0 where `score` is larger. */
  interval(score: number): [low: number, high: number] {
    const width = studentOfNormal(score, this._prompts - 1);
    const end = (sign: number): number =>
      Math.min(
        ...[this._beyond(-1), this._beyond(1)].map(({ mean, error }) =>
          error > 0 ? mean + sign * width * error : mean
        )
      );
    return [end(-1), end(1)];
  }

  /** s c - m, for a sign of -1, or s c + m. */
  private _beyond(sign: 1 | -1): MeanOf {
    const n = this._prompts;
    const matched = Math.sign(this._change) * this._matched;
    const total = this._change + sign * this._matched;
    const squares =
      this._changeSquares + this._matchedSquares + sign * 2 * this._products;
    const left = squares - (total * total) / n;
    // Below this, what is left of the sums is rounding.
    const spread =
      left > ROUNDING * (this._changeSquares + this._matchedSquares) ? left : 0;
    return {
      mean: (Math.abs(this._change) + sign * matched) / n,
      error: Math.sqrt(spread / (n * (n - 1)))
    };
  }
}

interface MeanOf {
  mean: number;
  error: number;
}

/** Without spread, infinite; 0 for a mean of 0. */
const studentOf = ({ mean, error }: MeanOf): number =>
  mean === 0 ? 0 : mean / error;

const ROUNDING = 1e-12;
