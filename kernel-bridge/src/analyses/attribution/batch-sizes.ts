/** Finds how many entries of a batch are fastest on this machine, while batches run: none is run to measure only. */

interface Measured {
  runs: number;
  /** Milliseconds an entry, of the fastest run: what else the machine does only ever adds time. */
  fastest: number;
}

const SIZES = [1, 4, 16, 64];
/** The first run of a size also gets memory for it, so one is not enough. */
const RUNS = 2;
/** Larger sizes are not tried when one is slower than the best by this. */
const HOPELESS = 1.25;

export class BatchSizes {
  private readonly _measured = new Map<number, Measured>();

  /** The size to run next. @param largest the most entries that may run at once */
  next(largest: number): number {
    const sizes = SIZES.filter(size => size <= largest);
    for (const size of sizes) {
      const { runs, fastest } = this._measured.get(size) ?? NEVER;
      if (runs < RUNS) {
        return size;
      }
      if (
        size > this.best(largest) &&
        fastest > HOPELESS * this._time(this.best(largest))
      ) {
        break;
      }
    }
    return this.best(largest);
  }

  /** The fastest size so far. */
  best(largest: number): number {
    return SIZES.filter(size => size <= largest).reduce((best, size) =>
      this._time(size) < this._time(best) ? size : best
    );
  }

  add(size: number, milliseconds: number): void {
    const { runs, fastest } = this._measured.get(size) ?? NEVER;
    this._measured.set(size, {
      runs: runs + 1,
      fastest: Math.min(fastest, milliseconds / size)
    });
  }

  private _time(size: number): number {
    return (this._measured.get(size) ?? NEVER).fastest;
  }
}

const NEVER: Measured = { runs: 0, fastest: Infinity };
