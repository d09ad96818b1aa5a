/** Counts over time, in windows of equal numbers of pieces; windows double in length when there are too many. */
import { addTo } from './vectors';

export const MAX_WINDOWS = 128;

export interface Window {
  tokens: number;
  /** [experts], selections */
  counts: Float64Array;
}

export class WindowCounts {
  /** In the order of time. */
  windows: Window[] = [];
  /** Tokens that a window takes before the next one begins. */
  span: number;

  constructor(
    private readonly _experts: number,
    span = 256
  ) {
    this.span = span;
  }

  add(counts: ArrayLike<number>, tokens: number): void {
    if (tokens === 0) {
      return;
    }
    let window = this.windows.at(-1);
    if (!window || window.tokens >= this.span) {
      if (this.windows.length === MAX_WINDOWS) {
        this._halve();
      }
      window = this.windows.at(-1)!;
      if (!window || window.tokens >= this.span) {
        window = { tokens: 0, counts: new Float64Array(this._experts) };
        this.windows.push(window);
      }
    }
    addTo(window.counts, counts);
    window.tokens += tokens;
  }

  private _halve(): void {
    this.span *= 2;
    const merged: Window[] = [];
    for (let i = 0; i < this.windows.length; i += 2) {
      const [window, next] = this.windows.slice(i, i + 2);
      if (next) {
        addTo(window.counts, next.counts);
        window.tokens += next.tokens;
      }
      merged.push(window);
    }
    this.windows = merged;
  }
}
