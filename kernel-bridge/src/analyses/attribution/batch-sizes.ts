/** Finds the fastest batch size on this machine from the runs that are needed anyway. */

interface Measured {
  runs: number;
  /** Milliseconds per entry of the fastest run: other load on the machine only adds time. */
  fastest: number;
}

const SIZES = [1, 4, 16, 64];
/** Runs per size before it is judged: the first one also allocates memory. */
const RUNS = 2;
/** Larger sizes are not tried once a size is slower than the best by this factor. */
const HOPELESS = 1.25;

export class BatchSizes {
  private readonly _measured = new Map<number, Measured>();

  /** The batch size to run next. @param largest maximum batch size */
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

  /** The fastest batch size so far. */
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
