/** How often two experts were chosen by the same token. */
import { CHUNK, type Columns } from './columns';

/** Counters of 32 bits are emptied before any of them can overflow. */
const FOLD_AT = 2 ** 31 - 1 - CHUNK;

export class PairCounts {
  private readonly _width: number;
  /** [width, width]: pairs of neighbouring ranks, the higher rank first. */
  private readonly _adjacent: Int32Array;
  /** [width, width]: pairs of ranks further apart. */
  private readonly _distant: Int32Array;
  private _folded?: { adjacent: Float64Array; distant: Float64Array };
  private _pending = 0;

  constructor(
    private readonly _experts: number,
    dropped: number
  ) {
    this._width = dropped + 1;
    this._adjacent = new Int32Array(this._width ** 2);
    this._distant = new Int32Array(this._width ** 2);
  }

  add({ experts, topK, length }: Columns): void {
    if (this._pending > FOLD_AT) {
      this._fold();
    }
    this._pending += length;
    const { _width: width, _distant: distant } = this;
    for (let rank = 0; rank < topK - 1; rank++) {
      const first = rank * CHUNK;
      let other = first + CHUNK;
      countOne(this._adjacent, width, experts, first, other, length);
      const end = topK * CHUNK;
      for (other += CHUNK; other + 3 * CHUNK < end; other += 4 * CHUNK) {
        countFour(distant, width, experts, first, other, length);
      }
      for (; other < end; other += CHUNK) {
        countOne(distant, width, experts, first, other, length);
      }
    }
  }

  /** [experts, experts], symmetric, zero on the diagonal: tokens that chose both, at any ranks. */
  all(): Float64Array {
    return this._symmetric((from, to) => this._at(from, to, true));
  }

  /** [experts, experts], symmetric: tokens that chose both at neighbouring ranks, which is what OLMoE's code counts. */
  adjacent(): Float64Array {
    return this._symmetric((from, to) => this._at(from, to, false));
  }

  private _at(from: number, to: number, distant: boolean): number {
    const at = from * this._width + to;
    return (
      this._adjacent[at] +
      (this._folded?.adjacent[at] ?? 0) +
      (distant ? this._distant[at] + (this._folded?.distant[at] ?? 0) : 0)
    );
  }

  private _symmetric(at: (from: number, to: number) => number): Float64Array {
    const n = this._experts;
    const counts = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        counts[i * n + j] = i === j ? 0 : at(i, j) + at(j, i);
      }
    }
    return counts;
  }

  private _fold(): void {
    this._folded ??= {
      adjacent: new Float64Array(this._adjacent.length),
      distant: new Float64Array(this._distant.length)
    };
    for (const [totals, counts] of [
      [this._folded.adjacent, this._adjacent],
      [this._folded.distant, this._distant]
    ] as const) {
      counts.forEach((count, i) => (totals[i] += count));
      counts.fill(0);
    }
    this._pending = 0;
  }
}

function countOne(
  counts: Int32Array,
  width: number,
  experts: Int32Array,
  first: number,
  other: number,
  length: number
): void {
  for (let t = 0; t < length; t++) {
    counts[experts[first + t] * width + experts[other + t]]++;
  }
}

/** Four columns at a time: the row of the first choice is found once. */
function countFour(
  counts: Int32Array,
  width: number,
  experts: Int32Array,
  first: number,
  other: number,
  length: number
): void {
  const second = other + CHUNK;
  const third = second + CHUNK;
  const fourth = third + CHUNK;
  for (let t = 0; t < length; t++) {
    const row = experts[first + t] * width;
    counts[row + experts[other + t]]++;
    counts[row + experts[second + t]]++;
    counts[row + experts[third + t]]++;
    counts[row + experts[fourth + t]]++;
  }
}
