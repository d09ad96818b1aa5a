/** The same counts in a few groups of pieces of text: how much they differ says how sure a figure of all is. */
import { addTo } from './vectors';

/** Groups of a delete-a-group jackknife: enough for its t quantile, few enough to hold. */
export const MAX_GROUPS = 32;
/** A piece with fewer new tokens is joined with the next: what a repeated text adds is no group of its own. */
const MIN_TOKENS = 8;

export class GroupCounts {
  /** Each [experts]; a piece, a sequence or a part of a long one, goes to the next group in turn. */
  readonly counts: Float64Array[] = [];
  readonly tokens: number[] = [];
  private _pieces = 0;
  private _waiting: Float64Array;
  private _waitingTokens = 0;

  constructor(private readonly _experts: number) {
    this._waiting = new Float64Array(_experts);
  }

  /** @param counts selections of a piece, [experts] or longer */
  add(counts: ArrayLike<number>, tokens: number): void {
    addTo(this._waiting, counts);
    this._waitingTokens += tokens;
    if (this._waitingTokens < MIN_TOKENS) {
      return;
    }
    const group = this._pieces++ % MAX_GROUPS;
    if (group === this.counts.length) {
      this.counts.push(new Float64Array(this._experts));
      this.tokens.push(0);
    }
    addTo(this.counts[group], this._waiting);
    this.tokens[group] += this._waitingTokens;
    this._waiting.fill(0);
    this._waitingTokens = 0;
  }
}
