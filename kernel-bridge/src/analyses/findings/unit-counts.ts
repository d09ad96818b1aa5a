/** Counts selections by unit (a token id or a sample) and expert, for tests that permute labels over whole units. */

/** Limit in bytes for the tables of all routers; units beyond it are skipped, and `full` reports it. */
const MAX_BYTES = 256 * 2 ** 20;

/** Assigns row numbers to units in order of appearance, shared by the tables of all routers. */
export class UnitIndex<K> {
  private readonly _rows = new Map<K, number>();
  /** Tokens per unit. */
  readonly tokens: number[] = [];
  /** True if units were skipped because there were too many. */
  full = false;

  /** @param cells number of experts of all routers */
  constructor(private readonly _cells: () => number) {}

  get keys(): K[] {
    return [...this._rows.keys()];
  }

  /** The unit's row; -1 if the table is full. */
  row(key: K): number {
    const known = this._rows.get(key);
    if (known !== undefined) {
      return known;
    }
    if (this._rows.size * this._cells() * 4 >= MAX_BYTES) {
      this.full = true;
      return -1;
    }
    const row = this._rows.size;
    this._rows.set(key, row);
    this.tokens.push(0);
    return row;
  }

  count(row: number, tokens = 1): void {
    if (row >= 0) {
      this.tokens[row] += tokens;
    }
  }
}

/** One router's table. */
export class UnitCounts {
  private _counts = new Uint32Array(0);

  constructor(readonly experts: number) {}

  /**
   * @param rows the unit's row for each token, [tokens]
   * @param selected [tokens, topK]
   */
  add(rows: Int32Array, selected: Int32Array, topK: number): void {
    let last = -1;
    for (const row of rows) {
      last = row > last ? row : last;
    }
    this._grow((last + 1) * this.experts);
    const counts = this._counts;
    for (let t = 0, slot = 0; t < rows.length; t++) {
      const base = rows[t] * this.experts;
      for (const end = (t + 1) * topK; slot < end; slot++) {
        if (base >= 0 && selected[slot] >= 0) {
          counts[base + selected[slot]]++;
        }
      }
    }
  }

  /** Selections of a unit, [experts]. */
  row(row: number): Uint32Array {
    const start = row * this.experts;
    return start + this.experts <= this._counts.length
      ? this._counts.subarray(start, start + this.experts)
      : new Uint32Array(this.experts);
  }

  private _grow(length: number): void {
    if (length > this._counts.length) {
      const larger = new Uint32Array(Math.max(length, 2 * this._counts.length));
      larger.set(this._counts);
      this._counts = larger;
    }
  }
}
