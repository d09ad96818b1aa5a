/**
 * Groups a moe-trace's rows into batches: all layers of some tokens, which form a part of a sample. llama.cpp runs the last
 * layer only for the tokens whose output is asked for (`inp_out_ids` of its model graphs), so that a batch of the prompt has
 * one token there, or none. Which one the file does not say for sure, so such a layer is left out.
 */
import type { RoutingLayer } from '../../base/protocol';
import { growingFloats, growingInts } from '../trace/growing';
import {
  bareTokens,
  refuse,
  type ImportContext,
  type ImportedPart
} from './importer';
import type { LineReader } from '../line-reader';
import type { WholeRankings } from './whole-rankings';

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
const LAST_LAYER =
  'the file is truncated, or this is the last layer, which llama.cpp runs only for tokens whose output is asked for: then give --layers or --config, or trace with -b 1 -ub 1';

export class MoeTraceBatches {
  private _layers = new Map<number, Gathered>();
  private _layer = -1;
  private _token: number | undefined;
  /** Number of ids of the current token. */
  private _ids = 0;
  private _position = 0;
  private _firstRank: number | undefined;
  private _hasWeights = true;
  /** Lines of the current batch, and how many there were before it. */
  private _lines = { first: 0, last: 0 };
  private _batches = 0;
  /** Layers of the sample, ascending; undefined before its first batch. */
  private _kept: readonly number[] | undefined;
  /** The last layer, where it has not all tokens of the sample. */
  private _partial: { layer: number; tokens: number; of: number } | undefined;

  constructor(
    private readonly _sample: string,
    private readonly _reader: LineReader,
    private readonly _context: ImportContext,
    private readonly _rankings: WholeRankings,
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
      done.push(...this._endBatch());
    }
    if (this._layers.size === 0) {
      this._lines.first = this._reader.number;
    }
    this._lines.last = this._reader.number;
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

  /** The last batch. @throws MoEDebuggerError 'input' when the sample is not whole */
  end(): ImportedPart[] {
    this._closeToken();
    const done = this._endBatch();
    const { layers } = this._context.facts;
    if (this._partial) {
      const { layer, tokens, of } = this._partial;
      // A single batch that ends so is cut off, unless this is known to be the last layer.
      if (this._batches === 1 && layer + 1 !== layers) {
        this._refuseBatch(
          `layer ${layer} has ${tokens} tokens, but the batch's first has ${of}`,
          LAST_LAYER
        );
      }
      this._context.note(
        `layer ${layer} is left out: llama.cpp runs the last layer only for tokens whose output is asked for; tracing with -b 1 -ub 1 records it`
      );
    }
    return done;
  }

  private _endBatch(): ImportedPart[] {
    const topK = this._topK;
    if (this._layers.size === 0 || topK === undefined) {
      return [];
    }
    this._batches++;
    const [[, first]] = this._layers;
    const tokens = first.selected.length / topK;
    this._keepWhole(tokens, topK);
    const layers = this._kept!.map((layer): RoutingLayer => {
      const { selected, weights } = this._layers.get(layer)!;
      return {
        layer,
        experts: 0,
        topK,
        score: 'softmax',
        logitsAre: 'logits',
        logits: new Float32Array(),
        selected: selected.toArray(),
        weights: this._hasWeights ? weights.toArray() : new Float32Array()
      };
    });
    for (const { selected } of layers) {
      this._rankings.add(selected, topK);
    }
    const from = this._position;
    this._position += tokens;
    this._layers = new Map();
    this._layer = -1;
    this._token = undefined;
    return [
      {
        continues: from > 0,
        sample: {
          id: this._sample,
          tokens: bareTokens(from, this._position),
          layers
        }
      }
    ];
  }

  /** Determines the layers of the sample by its first batch; later ones must have the same. */
  private _keepWhole(tokens: number, topK: number): void {
    const here = [...this._layers.keys()].sort((a, b) => a - b);
    const last = Math.max(...here, ...(this._kept ?? []));
    const isWhole = (layer: number): boolean =>
      (this._layers.get(layer)?.selected.length ?? 0) / topK === tokens;
    for (const layer of here) {
      const count = this._layers.get(layer)!.selected.length / topK;
      // Until the sample's first batch ends, nothing of the last layer is written, so that it can be left out.
      const canLeaveOut = layer === last && !this._kept?.includes(layer);
      if (count > tokens || (count < tokens && !canLeaveOut)) {
        this._refuseBatch(
          `layer ${layer} has ${count} tokens, but the batch's first has ${tokens}`,
          layer === last && count < tokens ? LAST_LAYER : CUT_OFF
        );
      }
    }
    if (!this._kept) {
      this._kept = here.filter(isWhole);
    }
    const missing = this._kept.find(layer => !this._layers.has(layer));
    if (missing !== undefined) {
      this._refuseBatch(`layer ${missing} is missing, which earlier ones have`);
    }
    const further = here.filter(layer => !this._kept!.includes(layer));
    const wrong = further.find(
      layer => layer !== last || (this._partial?.layer ?? layer) !== layer
    );
    if (wrong !== undefined) {
      this._refuseBatch(`layer ${wrong} begins, which earlier ones have not`);
    }
    if (further.length > 0) {
      const count = this._layers.get(last)!.selected.length / topK;
      this._partial ??= { layer: last, tokens: count, of: tokens };
    }
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

  private _refuseBatch(what: string, hint: string = CUT_OFF): never {
    const { first, last } = this._lines;
    return refuse(
      `batch ${this._batches}: ${what}`,
      this._reader.path,
      `lines ${first} to ${last}`,
      hint
    );
  }
}
