/** Statistics of traces that `diagnose` needs, gathered sample by sample in bounded memory. */
import type { EditRecord } from '../../run/edits/edits';
import type { LayerCard } from '../../run/model/description';
import { Novelty, TraceTally } from '../../measures';
import { LayerLink } from '../../measures/layer-link';
import {
  knownInAny,
  knownOf,
  layerName,
  NO_TOKEN_ID,
  NOTHING_KNOWN,
  tokensOf,
  type Integrity,
  type Known,
  type RoutingLayer,
  type RoutingSample,
  type Token
} from '../../base/protocol';
import { NonFiniteTrail } from './non-finite';
import { KindCounts } from './kind-counts';
import { positionKinds } from './positions';
import { TextRows } from './text-rows';
import { TokenKinds, UNKNOWN_KIND } from './token-kinds';
import { UnitCounts, UnitIndex } from './unit-counts';

/** What a token is known by: its id, or its text where only that was recorded. */
export type TokenKey = number | string;

/** Undefined of a token that nothing is known of: it is like no other. */
export function tokenKey({ id, text }: Token): TokenKey | undefined {
  return id === NO_TOKEN_ID ? text : id;
}

/** First occurrence of a token. */
export interface TokenPlace {
  id: number;
  text?: string;
  sample: string;
  position: number;
}

export interface RouterUnits {
  /** By token, and by the token before. */
  ids: UnitCounts;
  after: UnitCounts;
  samples: UnitCounts;
  /** By kind of token, of the token before, and of position. */
  kinds: KindCounts;
  kindsBefore: KindCounts;
  positions: KindCounts;
}

/** What each token of a text is, and what the token before it is; -1 where that is unknown. */
interface TokenRows {
  ids: Int32Array;
  after: Int32Array;
  kinds: Int32Array;
  kindsBefore: Int32Array;
  positions: Int32Array;
}

export interface EvidenceOptions {
  /** [tokens]: 1 where the model's output is finite, to attribute non-finite values to an expert. */
  finiteOutputs?: ArrayLike<number>;
}

/** A trace to gather evidence of. */
export interface EvidenceSource {
  samples: Iterable<RoutingSample>;
  model?: string;
  /** Of its file, if it is from one. */
  integrity?: Integrity;
  /** Of the run. */
  edits?: readonly EditRecord[];
  /** The model's layers. */
  cards?: readonly LayerCard[];
}

export class TraceEvidence {
  readonly tally = new TraceTally();
  /** Of the file that the samples are from. */
  integrity?: Integrity;
  /** Of the file that the samples are from. */
  cards: readonly LayerCard[] = [];
  known: Known = NOTHING_KNOWN;
  /** Whether the model's outputs were looked at. */
  hasOutputs = false;
  readonly ids = new UnitIndex<TokenKey>(() => this._cells());
  readonly places = new Map<TokenKey, TokenPlace>();
  readonly kinds = new TokenKinds();
  readonly texts = new TextRows();
  readonly trail = new NonFiniteTrail();
  /** Between each router and the next one of its stack, by the name of the later one. */
  readonly links = new Map<string, LayerLink>();
  private readonly _units = new Map<string, RouterUnits>();
  private readonly _novelty = new Novelty();
  /** By row of `ids`. */
  private readonly _kindOf: number[] = [];

  static of(samples: Iterable<RoutingSample>): TraceEvidence {
    const evidence = new TraceEvidence();
    for (const sample of samples) {
      evidence.add(sample);
    }
    return evidence;
  }

  /** @throws MoEDebuggerError 'input' when the sample's arrays have inconsistent sizes */
  add(sample: RoutingSample, options: EvidenceOptions = {}): this {
    const novelty = this._novelty.add(sample);
    this.tally.add(sample, novelty);
    this.known = knownInAny([this.known, knownOf(sample)]);
    this.hasOutputs ||= options.finiteOutputs !== undefined;
    this.trail.add(sample, options.finiteOutputs);
    const row = this.texts.add(sample.domain, novelty);
    const known = new Map<readonly Token[], TokenRows & { group: number }>();
    sample.layers.forEach((layer, i) =>
      this._link(sample.layers[i - 1], layer)
    );
    for (const layer of sample.layers) {
      const units = this._unitsOf(layerName(layer), layer.experts);
      const tokens = tokensOf(sample, layer);
      let own = known.get(tokens);
      if (!own) {
        own = {
          ...this._rows(sample, tokens),
          group: this.texts.group(layer.stack, novelty)
        };
        known.set(tokens, own);
      }
      const { selected, topK } = layer;
      units.ids.add(own.ids, selected, topK);
      units.after.add(own.after, selected, topK);
      if (own.group >= 0) {
        units.kinds.add(own.group, own.kinds, selected, topK);
        units.kindsBefore.add(own.group, own.kindsBefore, selected, topK);
        units.positions.add(own.group, own.positions, selected, topK);
      }
      if (row >= 0) {
        units.samples.add(
          new Int32Array(tokens.length).fill(row),
          selected,
          topK
        );
      }
    }
    return this;
  }

  units(name: string): RouterUnits | undefined {
    return this._units.get(name);
  }

  /** Number of distinct tokens that a router saw; undefined if tokens are unknown. */
  distinctIds(name: string): number | undefined {
    if (!this.known.tokenIds && !this.known.texts) {
      return undefined;
    }
    const units = this._units.get(name)?.ids;
    return units
      ? this.ids.tokens.filter((_, row) => units.row(row).some(n => n > 0))
          .length
      : 0;
  }

  /** By row of `ids`: 1 for each token of a kind. */
  idsOf(has: (kind: number) => boolean): Uint8Array {
    const labels = new Uint8Array(this.ids.tokens.length);
    this._kindOf.forEach((kind, row) => (labels[row] = has(kind) ? 1 : 0));
    return labels;
  }

  private _link(before: RoutingLayer | undefined, layer: RoutingLayer): void {
    if (!before || before.stack !== layer.stack) {
      return;
    }
    const key = layerName(layer);
    let link = this.links.get(key);
    if (!link) {
      link = new LayerLink(before, layer.experts);
      this.links.set(key, link);
    }
    link.add(before, layer);
  }

  private _rows(sample: RoutingSample, tokens: readonly Token[]): TokenRows {
    const ids = Int32Array.from(tokens, token => this._row(sample, token));
    const kinds = Int32Array.from(tokens, ({ text }, t) =>
      this._kind(ids[t], text)
    );
    return {
      ids,
      after: shifted(ids),
      kinds,
      kindsBefore: shifted(kinds),
      positions: positionKinds(tokens.length)
    };
  }

  private _row(sample: RoutingSample, token: Token): number {
    const { id, text, position } = token;
    const key = tokenKey(token);
    if (key === undefined) {
      return -1;
    }
    const row = this.ids.row(key);
    this.ids.count(row);
    if (row >= 0 && !this.places.has(key)) {
      this.places.set(key, {
        id,
        ...(text === undefined ? {} : { text }),
        sample: sample.id,
        position
      });
    }
    return row;
  }

  /** A token's text decides; it is the same wherever the token occurs. */
  private _kind(row: number, text: string | undefined): number {
    if (row < 0 || text === undefined) {
      return text === undefined ? UNKNOWN_KIND : this.kinds.of(text);
    }
    return (this._kindOf[row] ??= this.kinds.of(text));
  }

  private _unitsOf(name: string, experts: number): RouterUnits {
    let units = this._units.get(name);
    if (!units) {
      units = {
        ids: new UnitCounts(experts),
        after: new UnitCounts(experts),
        samples: new UnitCounts(experts),
        kinds: new KindCounts(experts),
        kindsBefore: new KindCounts(experts),
        positions: new KindCounts(experts)
      };
      this._units.set(name, units);
    }
    return units;
  }

  private _cells(): number {
    let cells = 0;
    for (const { ids, after } of this._units.values()) {
      cells += ids.experts + after.experts;
    }
    return Math.max(1, cells);
  }
}

/** What stands before each token. */
function shifted(values: Int32Array): Int32Array {
  return Int32Array.from(values, (_, t) => (t === 0 ? -1 : values[t - 1]));
}
