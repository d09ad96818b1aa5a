/** Statistics of traces that `diagnose` needs, gathered sample by sample in bounded memory. */
import { TraceTally } from '../../measures';
import { LayerLink } from '../../measures/layer-link';
import {
  layerName,
  tokensOf,
  type RoutingLayer,
  type RoutingSample,
  type Token
} from '../../base/protocol';
import { NonFiniteTrail } from './non-finite';
import { PositionCounts } from './position-counts';
import { UnitCounts, UnitIndex } from './unit-counts';

/** First occurrence of a token id. */
export interface TokenPlace {
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

export class TraceEvidence {
  readonly tally = new TraceTally();
  readonly ids = new UnitIndex<number>(() => this._cells());
  readonly places = new Map<number, TokenPlace>();
  /** Domain of each separately counted sample; the row of a sample is its index. */
  readonly domains: (string | undefined)[] = [];
  readonly sampleTokens: number[] = [];
  readonly trail = new NonFiniteTrail();
  /** Between each router and the next one of its stack, by the name of the later one. */
  readonly links = new Map<string, LayerLink>();
  private readonly _units = new Map<string, RouterUnits>();

  static of(samples: Iterable<RoutingSample>): TraceEvidence {
    const evidence = new TraceEvidence();
    for (const sample of samples) {
      evidence.add(sample);
    }
    return evidence;
  }

  /** @throws MoEDebuggerError 'input' when the sample's arrays have inconsistent sizes */
  add(sample: RoutingSample, options: EvidenceOptions = {}): this {
    this.tally.add(sample);
    this.trail.add(sample, options.finiteOutputs);
    const rows = new Map<readonly Token[], Int32Array>();
    const own = this.domains.length < MAX_SAMPLES ? this.domains.length : -1;
    if (own >= 0) {
      this.domains.push(sample.domain);
      this.sampleTokens.push(sample.tokens.length);
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
      units.positions.add(selected, topK);
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

  /** Number of distinct token ids that a router saw. */
  distinctIds(name: string): number {
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
      const row = this.ids.row(id);
      this.ids.count(row);
      if (row >= 0 && !this.places.has(id)) {
        this.places.set(id, {
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
