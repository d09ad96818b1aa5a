/** Finds expert pipelines: experts of successive layers that process the same tokens more often than chance predicts. */
import { numberOrNull, placeOf, type Place } from '../findings/finding';
import { tokenKey, type TokenKey } from '../findings/trace-evidence';
import { UnitCounts, UnitIndex } from '../findings/unit-counts';
import { LayerLink } from '../../measures/layer-link';
import { hypergeometricTail } from '../../base/statistics/exact-tests';
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import {
  layerName,
  tokensOf,
  type ExpertPlace,
  type RouterIdentity,
  type RoutingLayer,
  type RoutingSample,
  type Token
} from '../../base/protocol';

export interface PipelineThresholds {
  /** Significance level for corrected p-values. Default 0.05. */
  alpha?: number;
  /** Minimum lift over chance. Default 1.5. */
  minLift?: number;
  /** Maximum distance of a step in layers with routers. Default 1, the next one. */
  span?: number;
}

/** An expert that follows another. */
export interface PipelineStep {
  from: ExpertPlace;
  to: ExpertPlace;
  /** Tokens that select both, N(i, j). */
  together: number;
  /** Expected number under independence: N(i) N(j) / T. */
  expected: number;
  /** together / expected */
  lift: number;
  /**
   * How well they are aligned: normalised pointwise mutual information of their tokens (Bouma 2009), 1 if each token
   * selects both or neither, 0 by chance, towards -1 if none selects both.
   */
  alignment: number;
  /** Pearson correlation of their weights, zero where not selected; null where weights are unknown. */
  correlation: number | null;
  /**
   * Fisher's exact test on token ids, each counted once: ids that select the first expert more often than the average
   * token does, against those that select the second so. Tokens of one id are routed alike, so counting every token would
   * overstate the evidence.
   */
  p: number;
  /** p corrected for all tested pairs (Benjamini and Hochberg 1995). */
  correctedP: number;
}

export interface PipelineStatistics {
  tokens: number;
  /** Distinct tokens, by ids or by texts where ids are unknown; without any, nothing can be tested. */
  ids: number;
  /** Pairs of experts that were tested. */
  tests: number;
  /** Significant steps, highest lift first. */
  steps: PipelineStep[];
}

/** Counts of a router by token id. */
class SeenRouter {
  tokens = 0;
  readonly place: Place;
  readonly counts: Float64Array;
  private readonly _units: UnitCounts;
  /** Number of tokens per id. */
  private readonly _ofId: number[] = [];

  constructor(
    router: RouterIdentity,
    private readonly _ids: UnitIndex<TokenKey>
  ) {
    this.place = placeOf(router);
    this.counts = new Float64Array(router.experts);
    this._units = new UnitCounts(router.experts);
  }

  add(
    tokens: readonly Token[],
    { selected, topK }: Pick<RoutingLayer, 'selected' | 'topK'>
  ): void {
    const rows = Int32Array.from(tokens, token => {
      const key = tokenKey(token);
      return key === undefined ? -1 : this._ids.row(key);
    });
    this._units.add(rows, selected, topK);
    for (const row of rows) {
      if (row >= 0) {
        this._ofId[row] = (this._ofId[row] ?? 0) + 1;
      }
    }
    this.tokens += tokens.length;
    countSelections({ selected }, this.counts);
  }

  /** Rows of ids that this router and another one saw. */
  idsWith(other: SeenRouter): number[] {
    return [...this._ofId.keys()].filter(
      row => this._ofId[row] !== undefined && other._ofId[row] !== undefined
    );
  }

  /** Of these rows, those of ids that select an expert more often than the average token does. */
  inclined(expert: number, rows: readonly number[]): Set<number> {
    const rate = this.counts[expert] / this.tokens;
    return new Set(
      rows.filter(row => this._units.row(row)[expert] / this._ofId[row] > rate)
    );
  }
}

/** Two routers, and what they select on the tokens that both were recorded for: a sample may lack one of them. */
interface Link {
  from: SeenRouter;
  to: SeenRouter;
  link: LayerLink;
  tokens: number;
  /** By expert, of each router. */
  counts: [Float64Array, Float64Array];
}

export function findPipelines(
  samples: Iterable<RoutingSample>,
  { alpha = 0.05, minLift = 1.5, span = 1 }: PipelineThresholds = {}
): PipelineStatistics {
  const { ids, routers, links } = gather(samples, span);
  let tests = 0;
  const found: Omit<PipelineStep, 'correctedP'>[] = [];
  for (const { from, to, link, tokens, counts } of links) {
    const correlations = link.correlations();
    const common = from.idsWith(to);
    const inclined = [from, to].map(router =>
      Array.from(router.counts, (_, expert) => router.inclined(expert, common))
    );
    link.together.forEach((together, at) => {
      const i = Math.floor(at / to.counts.length);
      const j = at % to.counts.length;
      const expected = (counts[0][i] * counts[1][j]) / tokens;
      if (expected === 0) {
        return;
      }
      tests++;
      const lift = together / expected;
      if (lift >= minLift) {
        const [first, second] = [inclined[0][i], inclined[1][j]];
        const both = [...first].filter(row => second.has(row)).length;
        found.push({
          from: { ...from.place, expert: i },
          to: { ...to.place, expert: j },
          together,
          expected,
          lift,
          alignment: alignmentOf(together, lift, tokens),
          correlation: numberOrNull(correlations[at]),
          p: hypergeometricTail(both, first.size, second.size, common.length)
        });
      }
    });
  }
  const corrected = benjaminiHochberg(
    found.map(({ p }) => p),
    tests
  );
  return {
    tokens: Math.max(0, ...routers.map(router => router.tokens)),
    ids: ids.keys.length,
    tests,
    steps: found
      .map((step, i) => ({ ...step, correctedP: corrected[i] }))
      .filter(({ correctedP }) => correctedP <= alpha)
      .sort((a, b) => b.lift - a.lift)
  };
}

/** log(lift) / -log(share of tokens that select both); 1 where all do. */
export function alignmentOf(
  together: number,
  lift: number,
  tokens: number
): number {
  return together === tokens
    ? 1
    : together === 0
      ? -1
      : Math.log(lift) / -Math.log(together / tokens);
}

function countSelections(
  { selected }: Pick<RoutingLayer, 'selected'>,
  counts: Float64Array
): void {
  for (const expert of selected) {
    if (expert >= 0) {
      counts[expert]++;
    }
  }
}

function gather(
  samples: Iterable<RoutingSample>,
  span: number
): { ids: UnitIndex<TokenKey>; routers: SeenRouter[]; links: Link[] } {
  const routers = new Map<string, SeenRouter>();
  const links = new Map<string, Link>();
  const ids = new UnitIndex<TokenKey>(() =>
    [...routers.values()].reduce((sum, { counts }) => sum + counts.length, 1)
  );
  for (const sample of samples) {
    const seen = sample.layers.map(layer => {
      const name = layerName(layer);
      const router = routers.get(name) ?? new SeenRouter(layer, ids);
      routers.set(name, router);
      router.add(tokensOf(sample, layer), layer);
      return { name, layer, router };
    });
    seen.forEach((earlier, i) => {
      const later = seen
        .slice(i + 1)
        .filter(({ layer }) => layer.stack === earlier.layer.stack)
        .slice(0, span);
      for (const { name, layer, router } of later) {
        const key = `${earlier.name} > ${name}`;
        const own = links.get(key) ?? {
          from: earlier.router,
          to: router,
          link: new LayerLink(earlier.layer, layer.experts),
          tokens: 0,
          counts: [
            new Float64Array(earlier.layer.experts),
            new Float64Array(layer.experts)
          ]
        };
        links.set(key, own);
        own.link.add(earlier.layer, layer);
        own.tokens += earlier.layer.selected.length / earlier.layer.topK;
        countSelections(earlier.layer, own.counts[0]);
        countSelections(layer, own.counts[1]);
      }
    });
  }
  return {
    ids,
    routers: [...routers.values()],
    links: [...links.values()]
  };
}

/**
 * Chains of steps, each from the end of the previous one, built greedily by lift; an expert is in one chain at most.
 * @returns chains of three experts or more, longest first
 */
export function pipelineChains(
  steps: readonly PipelineStep[]
): ExpertPlace[][] {
  const key = ({ expert, ...place }: ExpertPlace): string =>
    `${layerName(place)}:${expert}`;
  const next = new Map<string, ExpertPlace>();
  const starts = new Map<string, ExpertPlace>();
  const reached = new Set<string>();
  for (const { from, to } of [...steps].sort((a, b) => b.lift - a.lift)) {
    if (!next.has(key(from)) && !reached.has(key(to))) {
      next.set(key(from), to);
      starts.set(key(from), from);
      reached.add(key(to));
    }
  }
  return [...starts]
    .filter(([name]) => !reached.has(name))
    .map(([, start]) => {
      const chain = [start];
      for (
        let on = next.get(key(start));
        on !== undefined;
        on = next.get(key(on))
      ) {
        chain.push(on);
      }
      return chain;
    })
    .filter(chain => chain.length > 2)
    .sort((a, b) => b.length - a.length);
}
