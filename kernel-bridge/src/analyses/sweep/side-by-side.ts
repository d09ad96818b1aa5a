/** Batches (prompt, edit) pairs into runs, and chooses the batch size. */

export interface Sized {
  /** Tokens of its prompt. */
  length: number;
}

/** Maximum share of padding among a batch's tokens. */
const MAX_PADDING = 0.15;

/**
 * Splits a stream of pairs, shortest first, into batches.
 * @param size called for each batch: maximum number of rows of that many tokens
 * @param padded whether rows may be padded to the longest
 */
export class Batches<Pair extends Sized> {
  private _open: Pair[] = [];
  private _tokens = 0;

  constructor(
    private readonly _size: (length: number) => number,
    private readonly _padded: () => boolean
  ) {}

  /** @returns a batch that is full without the pair, if there is one */
  add(pair: Pair): Pair[] | undefined {
    const full = this._fits(pair) ? undefined : this.rest();
    this._open.push(pair);
    this._tokens += pair.length;
    return full;
  }

  /** The remaining pairs; undefined if there are none. */
  rest(): Pair[] | undefined {
    const pairs = this._open;
    this._open = [];
    this._tokens = 0;
    return pairs.length > 0 ? pairs : undefined;
  }

  private _fits({ length }: Pair): boolean {
    if (this._open.length === 0) {
      return true;
    }
    const rows = this._open.length + 1;
    const longest = Math.max(length, this._open[this._open.length - 1].length);
    if (rows > this._size(longest)) {
      return false;
    }
    const cells = rows * longest;
    return (
      cells === this._tokens + length ||
      (this._padded() && cells - this._tokens - length <= MAX_PADDING * cells)
    );
  }
}

const FIRST_ROWS = 8;
/** Minimum saving of a doubled batch; less is not worth its memory. */
const MIN_GAIN = 0.04;

/** Chooses the number of tokens per run: doubles it while measurements get faster. */
export class BatchSizer {
  private _tokens: number | undefined;
  private _settled = false;
  private readonly _rates = new Map<number, number>();

  /** @param _most memory limit, in tokens per run */
  constructor(private readonly _most: number) {}

  /** Maximum rows of `length` tokens in the next run; at least one. */
  rows(length: number): number {
    this._tokens ??= Math.min(FIRST_ROWS * length, this._most);
    return Math.max(1, Math.floor(this._tokens / length));
  }

  /** Records the time of a run that was as full as `rows` allowed. */
  measured(tokens: number, milliseconds: number): void {
    const target = this._tokens;
    if (this._settled || target === undefined || tokens < 0.75 * target) {
      return;
    }
    const rate = milliseconds / tokens;
    const known = this._rates.get(target);
    if (known === undefined) {
      // The first run of a size also allocates memory that later ones reuse.
      this._rates.set(target, rate);
      return;
    }
    this._rates.set(target, Math.min(known, rate));
    const before = this._rates.get(target / 2);
    if (before !== undefined && rate > before * (1 - MIN_GAIN)) {
      this._tokens = rate > before ? target / 2 : target;
      this._settled = true;
    } else if (target * 2 <= this._most) {
      this._tokens = target * 2;
    } else {
      this._settled = true;
    }
  }
}
