/** Which (prompt, edit) pairs ride in one run, and how many. */

export interface Sized {
  /** Tokens of its prompt. */
  length: number;
}

/** Of a batch's tokens, the share that padding may be. */
const MOST_PADDING = 0.15;

/**
 * Cuts a stream of pairs, shortest first, into batches.
 * @param size asked anew for each batch: most rows of a batch that is so many tokens long
 * @param padded whether rows may be filled up to the longest
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

  /** What is left. Undefined when nothing is. */
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
      (this._padded() && cells - this._tokens - length <= MOST_PADDING * cells)
    );
  }
}

const FIRST_ROWS = 8;
/** A doubled batch that saves less than this is not worth its memory. */
const LEAST_GAIN = 0.04;

/** Chooses how many tokens ride in a run: doubled as long as measuring says that it pays. */
export class BatchSizer {
  private _tokens: number | undefined;
  private _settled = false;
  private readonly _rates = new Map<number, number>();

  /** @param _most tokens of a run, by memory */
  constructor(private readonly _most: number) {}

  /** Most rows of `length` tokens in the next run; at least one. */
  rows(length: number): number {
    this._tokens ??= Math.min(FIRST_ROWS * length, this._most);
    return Math.max(1, Math.floor(this._tokens / length));
  }

  /** Takes the time of a run that was as full as `rows` allowed. */
  measured(tokens: number, milliseconds: number): void {
    const target = this._tokens;
    if (this._settled || target === undefined || tokens < 0.75 * target) {
      return;
    }
    const rate = milliseconds / tokens;
    const known = this._rates.get(target);
    if (known === undefined) {
      // The first run of a size pays for memory and pages that later ones find ready.
      this._rates.set(target, rate);
      return;
    }
    this._rates.set(target, Math.min(known, rate));
    const before = this._rates.get(target / 2);
    if (before !== undefined && rate > before * (1 - LEAST_GAIN)) {
      this._tokens = rate > before ? target / 2 : target;
      this._settled = true;
    } else if (target * 2 <= this._most) {
      this._tokens = target * 2;
    } else {
      this._settled = true;
    }
  }
}
