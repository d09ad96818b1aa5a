/**
 * The null distribution: in each prompt, an expert and its control change places at random, so that neither can matter more
 * (paired randomisation test, Fisher 1935). Scores of all experts are pooled: with n prompts each, the smallest p is 2^-n
 * divided by the number of experts, so it fits any number of them.
 */
import { Excess, type Compared } from './excess';

export class ExchangedControls {
  /** Scores above 0, ascending. */
  private readonly _scores: Float64Array;

  /**
   * @param experts each a list over prompts
   * @param random in [0, 1)
   */
  constructor(
    experts: readonly (readonly Compared[])[],
    readonly draws: number,
    random: () => number
  ) {
    const scores: number[] = [];
    for (let draw = 0; draw < draws && experts.length > 0; draw++) {
      const excess = new Excess();
      for (const { change, matched } of experts[draw % experts.length]) {
        if (random() < 0.5) {
          excess.add(change, matched);
        } else {
          excess.add(matched, change);
        }
      }
      const { score } = excess;
      if (score > 0) {
        scores.push(score);
      }
    }
    this._scores = Float64Array.from(scores).sort();
  }

  /** Share of draws with at least this score, the expert itself counted (Phipson and Smyth 2010). */
  p(score: number): number {
    const beyond =
      score > 0
        ? this._scores.length - countBelow(this._scores, score)
        : this.draws;
    return (beyond + 1) / (this.draws + 1);
  }

  /** The score above which `p` is at most a level; undefined if there are too few draws for that. */
  critical(level: number): number | undefined {
    const allowed = Math.floor(level * (this.draws + 1) * (1 + ROUNDING)) - 1;
    return allowed < 0
      ? undefined
      : (this._scores[this._scores.length - 1 - allowed] ?? 0);
  }
}

const ROUNDING = 1e-12;

/** How many of ascending values are below another. */
function countBelow(ascending: Float64Array, value: number): number {
  let [from, to] = [0, ascending.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (ascending[middle] < value) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}
