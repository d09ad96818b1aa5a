/** Statistics of traces that `diagnose` needs, gathered sample by sample in bounded memory. */
import { Novelty, TraceTally, type SampleNovelty } from '../../measures';
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
  type Stack,
  type Token
} from '../../base/protocol';
import { NonFiniteTrail } from './non-finite';
import { PositionCounts } from './position-counts';
import { UnitCounts, UnitIndex } from './unit-counts';

/** What a token is known by: its id, or its text where only that was recorded. */
export type TokenKey = number | string;

/** First occurrence of a token. */
export interface TokenPlace {
  id: number;
  text?: string;
  sample: string;
  position: number;
}

export interface RouterUnits {
  ids: UnitCounts;
  samples: UnitCounts;
  positions: PositionCounts;
}

/** Maximum number of samples counted separately for tests between domains. */
const MAX_SAMPLES = 4096;

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
}

export class TraceEvidence {
  readonly tally = new TraceTally();
  /** Of the file that the samples are from. */
  integrity?: Integrity;
  known: Known = NOTHING_KNOWN;
  /** Whether the model's outputs were looked at. */
  hasOutputs = false;
  readonly ids = new UnitIndex<TokenKey>(() => this._cells());
  readonly places = new Map<TokenKey, TokenPlace>();
  /** Domain of each separately counted sample; the row of a sample is its index. */
  readonly domains: (string | undefined)[] = [];
  /** Tokens of each separately counted sample, by stack. */
  readonly sampleTokens = new Map<Stack | undefined, number[]>();
  /** Whether most of a separately counted sample is new text. */
  readonly isNew: boolean[] = [];
  readonly trail = new NonFiniteTrail();
  /** Between each router and the next one of its stack, by the name of the later one. */
  readonly links = new Map<string, LayerLink>();
  private readonly _units = new Map<string, RouterUnits>();
  private readonly _novelty = new Novelty();

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
    const rows = new Map<readonly Token[], Int32Array>();
    const own = this.domains.length < MAX_SAMPLES ? this.domains.length : -1;
    if (own >= 0) {
      this.domains.push(sample.domain);
      this.isNew.push(isNew(novelty));
      novelty.forEach((tokens, stack) => {
        const lengths = this.sampleTokens.get(stack) ?? [];
        lengths[own] = tokens.length;
        this.sampleTokens.set(stack, lengths);
      });
    }
    sample.layers.forEach((layer, i) =>
      this._link(sample.layers[i - 1], layer)
    );
    for (const layer of sample.layers) {
      const units = this._unitsOf(layerName(layer), layer.experts);
      const tokens = tokensOf(sample, layer);
      let ids = rows.get(tokens);
      if (!ids) {
        ids = this._rows(sample, tokens);
        rows.set(tokens, ids);
      }
      const { selected, topK } = layer;
      units.ids.add(ids, selected, topK);
      if (isNew(novelty, layer.stack)) {
        units.positions.add(selected, topK);
      }
      if (own >= 0) {
        units.samples.add(
          new Int32Array(tokens.length).fill(own),
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

  private _rows(sample: RoutingSample, tokens: readonly Token[]): Int32Array {
    return Int32Array.from(tokens, ({ id, text, position }) => {
      // A token that nothing is known of is like no other.
      const key = id === NO_TOKEN_ID ? text : id;
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
    });
  }

  private _unitsOf(name: string, experts: number): RouterUnits {
    let units = this._units.get(name);
    if (!units) {
      units = {
        ids: new UnitCounts(experts),
        samples: new UnitCounts(experts),
        positions: new PositionCounts(experts)
      };
      this._units.set(name, units);
    }
    return units;
  }

  private _cells(): number {
    let experts = 0;
    for (const { ids } of this._units.values()) {
      experts += ids.experts;
    }
    return Math.max(1, experts);
  }
}

/** A sample counts as a text of its own if at least half of it did not occur before. */
function isNew(novelty: SampleNovelty, stack?: Stack): boolean {
  const parts =
    stack === undefined ? [...novelty.values()] : [novelty.get(stack)!];
  const tokens = parts.reduce((sum, own) => sum + own.length, 0);
  const effective = parts.reduce(
    (sum, own) => own.reduce((all, weight) => all + weight, sum),
    0
  );
  return 2 * effective >= tokens;
}
