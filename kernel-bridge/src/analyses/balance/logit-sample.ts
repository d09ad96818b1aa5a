/** Logits of tokens in bounded memory: all of the first, then every second, every fourth. */
const MAX_TOKENS = 4096;

export class LogitSample {
  /** [tokens][E] */
  rows: Float32Array[] = [];
  private _stride = 1;
  private _seen = 0;

  /** @param logits [tokens, experts] */
  add(logits: Float32Array, experts: number): void {
    for (let at = 0; at + experts <= logits.length; at += experts) {
      const row = logits.subarray(at, at + experts);
      // Without an order there is no selection.
      if (!row.every(Number.isFinite)) {
        continue;
      }
      if (this._seen++ % this._stride !== 0) {
        continue;
      }
      this.rows.push(row.slice());
      if (this.rows.length > MAX_TOKENS) {
        this.rows = this.rows.filter((_, i) => i % 2 === 0);
        this._stride *= 2;
      }
    }
  }
}
