/** Counts the runs of a search. */
import type { Progress } from '../../base/progress';

/** The total grows as more runs become known. */
export class RunCount {
  private _done = 0;

  constructor(
    private readonly _onProgress: ((progress: Progress) => void) | undefined,
    private _total: number
  ) {}

  plan(more: number): void {
    this._total += more;
  }

  add(count: number): void {
    this._done += count;
    this._onProgress?.({ done: this._done, total: this._total });
  }
}
