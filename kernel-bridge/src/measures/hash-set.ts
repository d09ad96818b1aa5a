/** A set of 32-bit hashes in one typed array; by far smaller than a Set of numbers, and of limited size. */
const FIRST_SLOTS = 1 << 12;
/** 16 MB; later hashes count as new without being kept. */
const MAX_SLOTS = 1 << 22;

export class HashSet {
  private _slots = new Int32Array(FIRST_SLOTS);
  private _size = 0;

  /** @returns whether the hash was not in the set */
  add(hash: number): boolean {
    // 0 marks a free slot.
    const value = hash | 0 || 1;
    if (2 * this._size >= this._slots.length) {
      this._grow();
    }
    const at = this._find(value);
    if (this._slots[at] === value) {
      return false;
    }
    if (2 * this._size < this._slots.length) {
      this._slots[at] = value;
      this._size++;
    }
    return true;
  }

  /** Where the value is, or would be. */
  private _find(value: number): number {
    const mask = this._slots.length - 1;
    let at = value & mask;
    while (this._slots[at] !== 0 && this._slots[at] !== value) {
      at = (at + 1) & mask;
    }
    return at;
  }

  private _grow(): void {
    if (this._slots.length >= MAX_SLOTS) {
      return;
    }
    const before = this._slots;
    this._slots = new Int32Array(2 * before.length);
    for (const value of before) {
      if (value !== 0) {
        this._slots[this._find(value)] = value;
      }
    }
  }
}
