/** How alike consecutive tokens of a sequence are routed. */
import { CHUNK, type Columns } from './columns';

export class RepeatCounts {
  /** Pairs of consecutive tokens. */
  transitions = 0;
  /** Transitions on which the first choice stayed. */
  firstChoiceRepeats = 0;
  /** Transitions on which at least one expert stayed. */
  anyOverlaps = 0;
  /** Experts that stayed, summed over transitions. */
  overlap = 0;
  private readonly _words: number;
  private readonly _dropped: number;
  /** [words + 1][1 + CHUNK]: experts of the token before the chunk, then of each of its tokens, as bit sets. */
  private readonly _sets: Int32Array;
  private readonly _common = new Int32Array(CHUNK);
  private _first = -1;

  constructor(dropped: number) {
    this._dropped = dropped;
    this._words = dropped / 32;
    this._sets = new Int32Array((this._words + 1) * (CHUNK + 1));
  }

  /** Forgets the token before: the next one begins a sequence. */
  begin(): void {
    this._first = -1;
  }

  add(columns: Columns): void {
    const { experts, length } = columns;
    if (length === 0) {
      return;
    }
    // A first token has nothing before it.
    const start = this._first === -1 ? 1 : 0;
    this._fillSets(columns);
    this._countCommon(start, length);
    let repeats =
      start === 0 && experts[0] === this._first && this._first !== this._dropped
        ? 1
        : 0;
    for (let t = 1; t < length; t++) {
      repeats +=
        experts[t] === experts[t - 1] && experts[t] !== this._dropped ? 1 : 0;
    }
    this.firstChoiceRepeats += repeats;
    this.transitions += length - start;
    this._first = experts[length - 1];
    for (let word = 0; word < this._words; word++) {
      const base = word * (CHUNK + 1);
      this._sets[base] = this._sets[base + length];
    }
  }

  private _fillSets({ experts, topK, length }: Columns): void {
    const sets = this._sets;
    for (let word = 0; word <= this._words; word++) {
      const base = word * (CHUNK + 1) + 1;
      sets.fill(0, base, base + length);
    }
    for (let rank = 0; rank < topK; rank++) {
      const base = rank * CHUNK;
      for (let t = 0; t < length; t++) {
        const expert = experts[base + t];
        sets[(expert >> 5) * (CHUNK + 1) + t + 1] |= 1 << (expert & 31);
      }
    }
  }

  private _countCommon(start: number, length: number): void {
    const sets = this._sets;
    const common = this._common;
    common.fill(0, 0, length);
    for (let word = 0; word < this._words; word++) {
      const base = word * (CHUNK + 1);
      for (let t = start; t < length; t++) {
        common[t] += bitCount(sets[base + t] & sets[base + t + 1]);
      }
    }
    let overlap = 0;
    let any = 0;
    for (let t = start; t < length; t++) {
      overlap += common[t];
      any += common[t] > 0 ? 1 : 0;
    }
    this.overlap += overlap;
    this.anyOverlaps += any;
  }
}

function bitCount(bits: number): number {
  let v = bits - ((bits >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
