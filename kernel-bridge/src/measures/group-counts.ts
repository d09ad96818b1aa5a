/** The same counts in a few groups of pieces of text: how much they differ says how sure a figure of all is. */
import { addTo } from './vectors';

/** Groups of a delete-a-group jackknife: enough for its t quantile, few enough to hold. */
export const MAX_GROUPS = 32;

export class GroupCounts {
  /** Each [experts]; a piece, a sequence or a part of a long one, goes to the next group in turn. */
  readonly counts: Float64Array[] = [];
  readonly tokens: number[] = [];
  private _pieces = 0;

  constructor(private readonly _experts: number) {}

  /** @param counts selections of a piece, [experts] or longer */
  add(counts: ArrayLike<number>, tokens: number): void {
    if (tokens === 0) {
      return;
    }
    const group = this._pieces++ % MAX_GROUPS;
    if (group === this.counts.length) {
      this.counts.push(new Float64Array(this._experts));
      this.tokens.push(0);
    }
    addTo(this.counts[group], counts);
    this.tokens[group] += tokens;
  }
}
