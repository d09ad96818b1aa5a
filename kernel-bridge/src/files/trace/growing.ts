/** Growing typed arrays. */

type Numbers = Int32Array | Float32Array;

export class Growing<T extends Numbers> {
  length = 0;
  private _values: T;

  constructor(private readonly _make: (length: number) => T) {
    this._values = _make(64);
  }

  push(value: number): void {
    if (this.length === this._values.length) {
      const wider = this._make(2 * this.length);
      wider.set(this._values);
      this._values = wider;
    }
    this._values[this.length++] = value;
  }

  at(index: number): number {
    return this._values[index];
  }

  /** The numbers so far, in an array of exactly their length. */
  toArray(): T {
    return this._values.slice(0, this.length) as T;
  }
}

export const growingInts = (): Growing<Int32Array> =>
  new Growing(length => new Int32Array(length));
export const growingFloats = (): Growing<Float32Array> =>
  new Growing(length => new Float32Array(length));
