/**
 * Counts what the sequences of a stack's tokens select, text by text. A text counts once for a sequence: its tokens are
 * routed alike, so that repeats within it are no evidence of their own.
 */
import { mix } from '../../measures/hash';
import { HashSet } from '../../measures/hash-set';
import {
  type RouterIdentity,
  type RoutingLayer,
  type Token
} from '../../base/protocol';
import { placeOf, type Place } from '../findings/finding';
import { tokenKey, type TokenKey } from '../findings/trace-evidence';
import { UnitCounts, UnitIndex } from '../findings/unit-counts';

/** Tokens before a sequence that, with it, tell a new occurrence from a repeated text. */
const BEFORE = 4;

/** What a router selects for tokens and sequences. */
export interface RouterCounts {
  place: Place;
  experts: number;
  topK: number;
  /** By last token, and by sequence: all occurrences. */
  tokens: UnitCounts;
  sequences: UnitCounts;
  /** By sequence: the first occurrence in each text. */
  firsts: UnitCounts;
}

export interface CountedSequence {
  tokens: Token[];
  /** Rows of its last token, and its own. */
  last: number;
  row: number;
  /** All occurrences. */
  count: number;
  /** Texts that have it, and texts that have its last token elsewhere. */
  texts: number;
  otherTexts: number;
}

interface OwnCounts {
  tokens: Token[];
  last: number;
  texts: number;
  /** Of these, texts that have the last token elsewhere too. */
  withOther: number;
}

export class SequenceTable {
  readonly routers: RouterCounts[] = [];
  /** Token occurrences that were counted. */
  counted = 0;
  private readonly _tokens = new UnitIndex<TokenKey>(() => this._cells());
  private readonly _index = new UnitIndex<string>(() => 2 * this._cells());
  private readonly _sequences: OwnCounts[] = [];
  /** By row of a token: texts that have it. */
  private readonly _texts: number[] = [];
  private readonly _seen = new HashSet();

  constructor(private readonly _n: number) {}

  /** Whether there were more sequences than are counted. */
  get full(): boolean {
    return this._index.full || this._tokens.full;
  }

  add(tokens: readonly Token[], layers: readonly RoutingLayer[]): void {
    layers.forEach((layer, i) => (this.routers[i] ??= countsOf(layer)));
    const text = this._rows(tokens);
    layers.forEach(({ selected, topK }, i) => {
      const own = this.routers[i];
      own.tokens.add(text.tokens, selected, topK);
      own.sequences.add(text.sequences, selected, topK);
      own.firsts.add(text.firsts, selected, topK);
    });
  }

  *sequences(): Generator<CountedSequence> {
    for (const [row, own] of this._sequences.entries()) {
      yield {
        tokens: own.tokens,
        last: own.last,
        row,
        count: this._index.tokens[row],
        texts: own.texts,
        otherTexts: this._texts[own.last] - own.texts + own.withOther
      };
    }
  }

  /** All occurrences of a token. */
  tokenCount(row: number): number {
    return this._tokens.tokens[row];
  }

  private _rows(tokens: readonly Token[]): {
    tokens: Int32Array;
    sequences: Int32Array;
    firsts: Int32Array;
  } {
    const n = this._n;
    const all = Int32Array.from(tokens, token => {
      const key = tokenKey(token);
      return key === undefined ? -1 : this._tokens.row(key);
    });
    const own = {
      tokens: new Int32Array(tokens.length).fill(-1),
      sequences: new Int32Array(tokens.length).fill(-1),
      firsts: new Int32Array(tokens.length).fill(-1)
    };
    const ofToken = new Map<number, number>();
    const ofSequence = new Map<number, number>();
    for (let t = 0; t < tokens.length; t++) {
      if (all[t] < 0 || !this._isNew(all, t)) {
        continue;
      }
      own.tokens[t] = all[t];
      this._tokens.count(all[t]);
      this.counted++;
      ofToken.set(all[t], (ofToken.get(all[t]) ?? 0) + 1);
      const row = this._sequenceRow(tokens, all, t, n);
      if (row >= 0) {
        own.sequences[t] = row;
        this._index.count(row);
        const before = ofSequence.get(row) ?? 0;
        ofSequence.set(row, before + 1);
        own.firsts[t] = before === 0 ? row : -1;
      }
    }
    for (const token of ofToken.keys()) {
      this._texts[token] = (this._texts[token] ?? 0) + 1;
    }
    for (const [row, count] of ofSequence) {
      const sequence = this._sequences[row];
      sequence.texts++;
      sequence.withOther += ofToken.get(sequence.last)! > count ? 1 : 0;
    }
    return own;
  }

  /** Whether a token did not occur after the same tokens before. */
  private _isNew(rows: Int32Array, t: number): boolean {
    let hash = this._n;
    for (let back = this._n + BEFORE - 1; back >= 0; back--) {
      // Before the first token is the start of the text.
      hash = mix(hash, t >= back ? rows[t - back] : -2);
    }
    return this._seen.add(hash);
  }

  /** -1 where tokens are missing: at the start, of an unknown id, or left out of a sample. */
  private _sequenceRow(
    tokens: readonly Token[],
    rows: Int32Array,
    t: number,
    n: number
  ): number {
    const start = t - n + 1;
    if (
      start < 0 ||
      rows.subarray(start, t).includes(-1) ||
      tokens[t].position - tokens[start].position !== n - 1
    ) {
      return -1;
    }
    const row = this._index.row(rows.subarray(start, t + 1).join(' '));
    if (row >= 0) {
      this._sequences[row] ??= {
        tokens: tokens.slice(start, t + 1),
        last: rows[t],
        texts: 0,
        withOther: 0
      };
    }
    return row;
  }

  private _cells(): number {
    return this.routers.reduce((sum, { experts }) => sum + experts, 1);
  }
}

function countsOf(layer: RouterIdentity): RouterCounts {
  const { experts, topK } = layer;
  return {
    place: placeOf(layer),
    experts,
    topK,
    tokens: new UnitCounts(experts),
    sequences: new UnitCounts(experts),
    firsts: new UnitCounts(experts)
  };
}
