/** Counts in the order of time, by text; rows take twice as many texts when there are too many. */
import { addTo } from './vectors';

export const MAX_ROWS = 128;

/** Consecutive tokens: whole texts of a series, or a window of one. */
export interface SeriesRow {
  tokens: number;
  /** [experts], selections */
  counts: Float64Array;
}

export class TextSeries {
  /** In the order of time. */
  rows: SeriesRow[] = [];
  texts = 0;
  /** Texts that a row takes before the next one begins. */
  textsPerRow = 1;
  private _inRow = 0;
  private _begins = true;

  constructor(private readonly _experts: number) {}

  /** What is added next is of another text. */
  begin(): void {
    this._begins = true;
  }

  add(counts: ArrayLike<number>, tokens: number): void {
    if (tokens === 0) {
      return;
    }
    if (this._begins) {
      this._begins = false;
      this.texts++;
      this._nextText();
    }
    const row = this.rows.at(-1)!;
    addTo(row.counts, counts);
    row.tokens += tokens;
  }

  private _nextText(): void {
    if (this.rows.length > 0 && this._inRow < this.textsPerRow) {
      this._inRow++;
      return;
    }
    if (this.rows.length === MAX_ROWS) {
      this._halve();
    }
    this.rows.push({ tokens: 0, counts: new Float64Array(this._experts) });
    this._inRow = 1;
  }

  private _halve(): void {
    this.textsPerRow *= 2;
    const merged: SeriesRow[] = [];
    for (let i = 0; i < this.rows.length; i += 2) {
      const [row, next] = this.rows.slice(i, i + 2);
      addTo(row.counts, next.counts);
      row.tokens += next.tokens;
      merged.push(row);
    }
    this.rows = merged;
  }
}
