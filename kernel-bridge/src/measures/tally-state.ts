/** The counters of a tally, in memory that a kernel and plain loops share. */
import {
  countLayout,
  REPEAT_FIELDS,
  type CountLayout
} from './wasm/count-kernel';
import { kernelMemory, type KernelMemory } from './wasm/memory';

/** Counters of 32 bits are emptied long before any of them can overflow: k of them may rise with each token. */
const FOLD_AT = 2 ** 24;

interface Views {
  buffer: ArrayBuffer;
  counts: Int32Array;
  first: Int32Array;
  stamps: Int32Array;
  gates: Float64Array;
  weights: Float64Array;
  repeats: Int32Array;
  adjacent: Int32Array;
  distant: Int32Array;
}

export class TallyState {
  readonly layout: CountLayout;
  /** Where in the kernels' memory the counters lie; 0 in memory of their own. */
  readonly address: number;
  readonly kernels: KernelMemory | undefined;
  private readonly _own: ArrayBuffer | undefined;
  private _views: Views;
  private _pending = 0;
  private _folded?: {
    repeats: Float64Array;
    adjacent: Float64Array;
    distant: Float64Array;
  };

  constructor(readonly experts: number) {
    this.layout = countLayout(experts);
    this.kernels = kernelMemory();
    this.address = this.kernels?.lend(this, this.layout.size) ?? 0;
    this._own = this.kernels ? undefined : new ArrayBuffer(this.layout.size);
    this._views = this._makeViews();
    this.begin();
  }

  /** Counters as they are now; the arrays may be empty after another tally was made. */
  get views(): Views {
    if (
      this._own === undefined &&
      this._views.buffer !== this.kernels!.buffer
    ) {
      this._views = this._makeViews();
    }
    return this._views;
  }

  /** Forgets the token before: the next one begins a sequence. */
  begin(): void {
    const { repeats } = this.views;
    repeats[REPEAT_FIELDS.number / 4] += 2;
    repeats[REPEAT_FIELDS.first / 4] = -1;
  }

  /** To be called before tokens are counted. */
  expect(tokens: number): void {
    this._pending += tokens;
    if (this._pending > FOLD_AT) {
      this._fold();
      this._pending = tokens;
    }
  }

  /** Repeats of the first choice, transitions with an expert that stays, and experts that stay. */
  repeated(): { firstChoice: number; any: number; overlap: number } {
    const { repeats } = this.views;
    const total = (offset: number): number =>
      repeats[offset / 4] + (this._folded?.repeats[offset / 4] ?? 0);
    return {
      firstChoice: total(REPEAT_FIELDS.repeats),
      any: total(REPEAT_FIELDS.any),
      overlap: total(REPEAT_FIELDS.overlap)
    };
  }

  /**
   * [experts, experts], symmetric, zero on the diagonal: tokens that chose both, at any ranks, or at neighbouring ranks
   * only, which is what OLMoE's code counts.
   */
  pairs(ranks: 'all' | 'adjacent'): Float64Array {
    const n = this.experts;
    const { adjacent, distant } = this.views;
    const folded = this._folded;
    const at = (i: number, j: number): number => {
      const cell = i * n + j;
      const near = adjacent[cell] + (folded?.adjacent[cell] ?? 0);
      return ranks === 'adjacent'
        ? near
        : near + distant[cell] + (folded?.distant[cell] ?? 0);
    };
    const pairs = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        pairs[i * n + j] = i === j ? 0 : at(i, j) + at(j, i);
      }
    }
    return pairs;
  }

  private _makeViews(): Views {
    const { layout, address, experts } = this;
    const buffer = this._own ?? this.kernels!.buffer;
    const ints = (offset: number, length: number): Int32Array =>
      new Int32Array(buffer, address + offset, length);
    const floats = (offset: number, length: number): Float64Array =>
      new Float64Array(buffer, address + offset, length);
    return {
      buffer,
      counts: ints(layout.counts, experts),
      first: ints(layout.first, experts),
      stamps: ints(layout.stamps, experts),
      gates: floats(layout.gates, experts),
      weights: floats(layout.weights, 2),
      repeats: ints(layout.repeats, 5),
      adjacent: ints(layout.adjacent, experts * experts),
      distant: ints(layout.distant, experts * experts)
    };
  }

  private _fold(): void {
    const { repeats, adjacent, distant } = this.views;
    this._folded ??= {
      repeats: new Float64Array(repeats.length),
      adjacent: new Float64Array(adjacent.length),
      distant: new Float64Array(distant.length)
    };
    const folded = this._folded;
    adjacent.forEach((count, i) => (folded.adjacent[i] += count));
    distant.forEach((count, i) => (folded.distant[i] += count));
    adjacent.fill(0);
    distant.fill(0);
    for (const offset of [
      REPEAT_FIELDS.repeats,
      REPEAT_FIELDS.overlap,
      REPEAT_FIELDS.any
    ]) {
      folded.repeats[offset / 4] += repeats[offset / 4];
      repeats[offset / 4] = 0;
    }
  }
}
