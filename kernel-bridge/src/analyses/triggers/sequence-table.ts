/**
 * Counts what the sequences of a stack's tokens select, text by text. A text counts once for a sequence: its tokens are
 * routed alike, so that repeats within it are no evidence of their own.
 */
import { mix } from '../../measures/hash';
import { HashSet } from '../../measures/hash-set';
import {
  layerName,
  type RouterIdentity,
  type RoutingLayer,
  type Token
} from '../../base/protocol';
import { placeOf, type Place } from '../findings/finding';
import { tokenKey, type TokenKey } from '../findings/trace-evidence';
import { UnitCounts, UnitIndex } from '../findings/unit-counts';
import { Occurrences, type TextOccurrences } from './occurrences';

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
  /** In the texts that it was recorded in. */
  occurrences: Occurrences;
}

export interface TokenSequence {
  tokens: Token[];
  /** Rows of its last token, and its own. */
  last: number;
  row: number;
}

/** Of one text, by token: rows of a token, a sequence, and a sequence at its first occurrence; -1 where there is none. */
interface TextRows {
  tokens: Int32Array;
  sequences: Int32Array;
  firsts: Int32Array;
  occurrences: TextOccurrences;
}

export class SequenceTable {
  /** Token occurrences that were counted. */
  counted = 0;
  private readonly _tokens = new UnitIndex<TokenKey>(() => this._cells());
  private readonly _index = new UnitIndex<string>(() => 2 * this._cells());
  private readonly _routers = new Map<string, RouterCounts>();
  /** By row. */
  readonly sequences: TokenSequence[] = [];
  private readonly _seen = new HashSet();

  constructor(private readonly _n: number) {}

  /** Whether there were more sequences than are counted. */
  get full(): boolean {
    return this._index.full || this._tokens.full;
  }

  /** In the order of their first text. */
  get routers(): RouterCounts[] {
    return [...this._routers.values()];
  }

  /** @param layers of the text: some texts may lack routers of others */
  add(tokens: readonly Token[], layers: readonly RoutingLayer[]): void {
    const routers = layers.map(layer => this._routerOf(layer));
    const text = this._rows(tokens);
    layers.forEach(({ selected, topK }, i) => {
      const own = routers[i];
      own.tokens.add(text.tokens, selected, topK);
      own.sequences.add(text.sequences, selected, topK);
      own.firsts.add(text.firsts, selected, topK);
      own.occurrences.add(
        text.occurrences,
        sequence => this.sequences[sequence].last
      );
    });
  }

  private _routerOf(layer: RoutingLayer): RouterCounts {
    const name = layerName(layer);
    const router = this._routers.get(name) ?? countsOf(layer);
    this._routers.set(name, router);
    return router;
  }

  private _rows(tokens: readonly Token[]): TextRows {
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
      this.counted++;
      ofToken.set(all[t], (ofToken.get(all[t]) ?? 0) + 1);
      const row = this._sequenceRow(tokens, all, t, n);
      if (row >= 0) {
        own.sequences[t] = row;
        const before = ofSequence.get(row) ?? 0;
        ofSequence.set(row, before + 1);
        own.firsts[t] = before === 0 ? row : -1;
      }
    }
    return { ...own, occurrences: { tokens: ofToken, sequences: ofSequence } };
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
      this.sequences[row] ??= {
        tokens: tokens.slice(start, t + 1),
        last: rows[t],
        row
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
    firsts: new UnitCounts(experts),
    occurrences: new Occurrences()
  };
}
