/** Groups a moe-trace's rows into batches: all layers of some tokens, which form a part of a sample. */
import type { RoutingLayer } from '../../base/protocol';
import { growingFloats, growingInts } from '../trace/growing';
import { bareTokens, refuse, type ImportedPart } from './importer';
import type { LineReader } from './line-reader';

export interface ExpertRow {
  layer: number;
  /** As in the file; undefined if rows of a token are identified only by their count. */
  token: number | undefined;
  /** As in the file, from 0 or 1; undefined if it does not say. */
  rank?: number;
  /** One id, or all of a token. */
  ids: readonly number[];
  weight: number;
  /** Whether the token belongs to the prompt; undefined if the file does not say. */
  prompt?: boolean;
}

interface Gathered {
  selected: ReturnType<typeof growingInts>;
  weights: ReturnType<typeof growingFloats>;
}

const CUT_OFF =
  'the file may be truncated, or its rows are in another order: sort them by layer, token and rank, or trace again';

export class MoeTraceBatches {
  private _layers = new Map<number, Gathered>();
  private _layer = -1;
  private _token: number | undefined;
  /** Number of ids of the current token. */
  private _ids = 0;
  private _position = 0;
  private _firstRank: number | undefined;
  private _hasWeights = true;

  constructor(
    private readonly _sample: string,
    private readonly _reader: LineReader,
    private _topK: number | undefined
  ) {}

  /** @returns the previous batch if the row begins a new one */
  add(row: ExpertRow): ImportedPart[] {
    const done: ImportedPart[] = [];
    const again = row.layer !== this._layer && this._layers.has(row.layer);
    if (row.layer !== this._layer || row.token !== this._token) {
      this._closeToken();
    }
    if (again) {
      done.push(...this.end());
    }
    this._layer = row.layer;
    this._token = row.token;
    let gathered = this._layers.get(row.layer);
    if (!gathered) {
      gathered = { selected: growingInts(), weights: growingFloats() };
      this._layers.set(row.layer, gathered);
    }
    if (row.rank !== undefined) {
      this._firstRank ??= row.rank;
      if (row.rank !== this._firstRank + this._ids || this._firstRank > 1) {
        this._refuse(
          `the row has rank ${row.rank} where rank ${Math.min(this._firstRank, 1) + this._ids} of a token follows`
        );
      }
    }
    for (const id of row.ids) {
      this._checkTwice(gathered, id);
      gathered.selected.push(id);
      gathered.weights.push(row.weight);
      this._hasWeights &&= !Number.isNaN(row.weight);
      this._ids++;
      if (row.token === undefined && this._ids === this._topK) {
        this._ids = 0;
      }
    }
    if (row.ids.length > 1) {
      this._closeToken();
    }
    return done;
  }

  /** The last batch. */
  end(): ImportedPart[] {
    this._closeToken();
    const topK = this._topK;
    if (this._layers.size === 0 || topK === undefined) {
      return [];
    }
    const layers: RoutingLayer[] = [];
    let tokens: number | undefined;
    for (const [layer, { selected, weights }] of this._layers) {
      const count = selected.length / topK;
      tokens ??= count;
      if (count !== tokens) {
        this._refuse(
          `layer ${layer} has ${count} tokens, but the batch's first has ${tokens}`
        );
      }
      layers.push({
        layer,
        experts: 0,
        topK,
        score: 'softmax',
        logitsAre: 'logits',
        logits: new Float32Array(),
        selected: selected.toArray(),
        weights: this._hasWeights ? weights.toArray() : new Float32Array()
      });
    }
    const from = this._position;
    this._position += tokens!;
    this._layers = new Map();
    this._layer = -1;
    this._token = undefined;
    return [
      {
        continues: from > 0,
        sample: {
          id: this._sample,
          tokens: bareTokens(from, this._position),
          layers: layers.sort((a, b) => a.layer - b.layer)
        }
      }
    ];
  }

  /** Completes a token; the first one determines how many ids a token has. */
  private _closeToken(): void {
    if (this._ids === 0) {
      return;
    }
    this._topK ??= this._ids;
    if (this._ids !== this._topK) {
      this._refuse(
        `a token has ${this._ids} experts at layer ${this._layer}, but others have ${this._topK}`
      );
    }
    this._ids = 0;
  }

  private _checkTwice({ selected }: Gathered, id: number): void {
    for (let back = 1; back <= this._ids && id >= 0; back++) {
      if (selected.at(selected.length - back) === id) {
        this._refuse(`the token has expert ${id} twice`);
      }
    }
  }

  private _refuse(what: string): never {
    return refuse(
      what,
      this._reader.path,
      `line ${this._reader.number}`,
      CUT_OFF
    );
  }
}
