/** The tokens of a trace as a list that is filtered, sorted and read page by page. */
import {
  NOT_ROUTED,
  parseFilter,
  type FilterProblem,
  type FilterTerm,
  type Known,
  type RoutingLayer,
  type TokenPage,
  type TokenPageLayer,
  type TokenQuestion,
  layerName,
  knownInAny,
  knownOf
} from '../../base/protocol';
import { cardOf } from '../../files/trace/cards';
import { marginScale } from '../../routing/selection-margin';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import {
  layerMargins,
  nextExperts,
  type LayerRun
} from '../margins/layer-margins';
import { nearMissThresholds } from '../margins/near-miss';
import { acceptedTokens } from './token-filter';
import { TokenRows, type TokenRun } from './token-rows';

/** What is listed. */
export type ListedTrace = Pick<RoutingTrace, 'samples' | 'cards' | 'edits'>;

export function tokenList(trace: ListedTrace): TokenList {
  return new TokenList(trace);
}

type Order = Pick<TokenQuestion, 'order' | 'layerIndex' | 'isDescending'>;

export class TokenList {
  private readonly _rows: TokenRows;
  private readonly _known: Known;
  private readonly _byRouter = new Map<
    number,
    readonly (RoutingLayer | undefined)[]
  >();
  private readonly _margins = new Map<RoutingLayer, Float32Array>();
  /** The rows of the last question: pages of one list are asked for one after the other. */
  private _last: { key: string; rows: Int32Array } | undefined;

  constructor(private readonly _trace: ListedTrace) {
    this._rows = new TokenRows(_trace.samples);
    this._known = knownInAny(_trace.samples.map(knownOf));
  }

  page({ filter, from, count, ...order }: TokenQuestion): TokenPage {
    const { terms, problems } = this._read(filter);
    const rows = this._find(filter, terms, order);
    const shown = rows.subarray(from, from + count);
    return {
      total: this._rows.length,
      matches: rows.length,
      problems,
      from,
      rows: Array.from(shown, row => this._rows.at(row)),
      layers: this._layers(shown)
    };
  }

  /** What was not recorded is not looked for: such a term is a problem. */
  private _read(filter: string): {
    terms: FilterTerm[];
    problems: FilterProblem[];
  } {
    const { terms, problems } = parseFilter(filter);
    const missing = terms.flatMap(({ name, at, length }) => {
      const message = this._missing(name);
      return message === undefined ? [] : [{ name, at, length, message }];
    });
    return {
      terms: terms.filter(term => missing.every(({ at }) => at !== term.at)),
      problems: [
        ...problems,
        ...missing.map(({ at, length, message }) => ({ at, length, message }))
      ]
    };
  }

  private _missing(name: FilterTerm['name']): string | undefined {
    const { domains, texts, tokenIds, weights, logits } = this._known;
    switch (name) {
      case 'domain':
        return domains ? undefined : 'no sample of this trace has a domain';
      case 'text':
      case 'token':
        return texts ? undefined : 'this trace has no texts of tokens';
      case 'id':
        return tokenIds ? undefined : 'this trace has no token ids';
      case 'weight':
        return weights ? undefined : 'this trace has no weights';
      case 'margin':
        return logits ? undefined : 'this trace has no router logits';
      default:
        return undefined;
    }
  }

  private _find(
    filter: string,
    terms: readonly FilterTerm[],
    order: Order
  ): Int32Array {
    const key = JSON.stringify([filter, order]);
    if (this._last?.key !== key) {
      this._last = { key, rows: this._sorted(this._accepted(terms), order) };
    }
    return this._last.rows;
  }

  private _accepted(terms: readonly FilterTerm[]): Int32Array {
    const rows = new Int32Array(this._rows.length);
    let length = 0;
    for (const run of this._rows.runs) {
      const accepted =
        terms.length === 0
          ? undefined
          : acceptedTokens(
              terms,
              run,
              this._trace.samples[run.sample],
              (layer, own) => this._marginsOf(layer, own)
            );
      for (let t = 0; t < run.tokens.length; t++) {
        if (!accepted || accepted[t] === 1) {
          rows[length++] = run.from + t;
        }
      }
    }
    return rows.subarray(0, length);
  }

  private _sorted(
    rows: Int32Array,
    { order, layerIndex, isDescending }: Order
  ): Int32Array {
    const sign = isDescending ? -1 : 1;
    if (order === 'position') {
      return isDescending ? rows.slice().reverse() : rows;
    }
    if (order === 'text') {
      const texts = new Map<number, string>();
      rows.forEach(row => texts.set(row, this._rows.at(row).text ?? ''));
      return rows
        .slice()
        .sort((a, b) => sign * compare(texts.get(a)!, texts.get(b)!) || a - b);
    }
    const keys = new Float64Array(this._rows.length).fill(NaN);
    rows.forEach(row => {
      keys[row] = this._key(row, order, layerIndex);
    });
    // What is unknown comes last, in either direction.
    return rows
      .slice()
      .sort((a, b) =>
        Number.isNaN(keys[a]) || Number.isNaN(keys[b])
          ? Number(Number.isNaN(keys[a])) - Number(Number.isNaN(keys[b])) ||
            a - b
          : sign * (keys[a] - keys[b]) || a - b
      );
  }

  private _key(
    row: number,
    order: Exclude<TokenQuestion['order'], 'position' | 'text'>,
    layerIndex: number
  ): number {
    const { run, token } = this._rows.find(row);
    if (order === 'sample') {
      return run.sample;
    }
    const layer = this._layerOf(run, layerIndex);
    if (!layer) {
      return NaN;
    }
    if (order === 'margin') {
      return this._marginsOf(layer, run)[token] ?? NaN;
    }
    // By first choice, and the surest of these first.
    const { slot, weight } = firstChoice(layer, token);
    const expert = layer.selected[slot];
    return expert < 0 ? NaN : expert + (1 - Math.min(1, weight)) / 2;
  }

  /** Undefined where the layer routes the other stack, or the sample has no such layer. */
  private _layerOf(
    run: TokenRun,
    layerIndex: number
  ): RoutingLayer | undefined {
    const layer = this._layersOf(run.sample)[layerIndex];
    return layer && routes(layer, run) ? layer : undefined;
  }

  /** The layers of a sample by the index of the router in the trace. */
  private _layersOf(sample: number): readonly (RoutingLayer | undefined)[] {
    let found = this._byRouter.get(sample);
    if (!found) {
      const own = new Map(
        this._trace.samples[sample].layers.map(layer => [
          layerName(layer),
          layer
        ])
      );
      found = this._trace.samples[0].layers.map(identity =>
        own.get(layerName(identity))
      );
      this._byRouter.set(sample, found);
    }
    return found;
  }

  private _layers(rows: Int32Array): TokenPageLayer[] {
    const identities = this._trace.samples[0]?.layers ?? [];
    const places = Array.from(rows, row => this._rows.find(row));
    return identities.map((identity, layerIndex) => {
      const { layer, stack, module, experts, topK, score } = identity;
      const hasWeights = this._known.weights;
      const hasLogits = this._known.logits;
      const page: TokenPageLayer = {
        layer,
        ...(stack ? { stack } : {}),
        ...(module ? { module } : {}),
        experts,
        topK,
        score,
        selected: new Int32Array(rows.length * topK).fill(NOT_ROUTED),
        weights: new Float32Array(hasWeights ? rows.length * topK : 0).fill(
          NaN
        ),
        margins: new Float32Array(hasLogits ? rows.length : 0).fill(NaN),
        next: new Int32Array(hasLogits ? rows.length : 0).fill(-1),
        nearMiss:
          nearMissThresholds()[
            marginScale(identity, cardOf(this._trace.cards, identity))
          ]
      };
      places.forEach(({ run, token }, row) => {
        const own = this._layerOf(run, layerIndex);
        if (!own) {
          return;
        }
        const slots = own.selected.subarray(token * topK, (token + 1) * topK);
        page.selected.set(slots, row * topK);
        if (own.weights.length > 0) {
          page.weights.set(
            own.weights.subarray(token * topK, (token + 1) * topK),
            row * topK
          );
        }
        if (own.logits.length > 0) {
          const layerRun = this._run(own, run);
          page.margins[row] = layerMargins(layerRun, [token])[0];
          page.next[row] = nextExperts(layerRun, [token])[0];
        }
      });
      return page;
    });
  }

  private _marginsOf(layer: RoutingLayer, run: TokenRun): Float32Array {
    let margins = this._margins.get(layer);
    if (!margins) {
      margins =
        layer.logits.length > 0
          ? layerMargins(this._run(layer, run), [...run.tokens.keys()])
          : new Float32Array(run.tokens.length).fill(NaN);
      this._margins.set(layer, margins);
    }
    return margins;
  }

  private _run(layer: RoutingLayer, { tokens }: TokenRun): LayerRun {
    const { cards, edits } = this._trace;
    return { layer, tokens, edits, convention: cardOf(cards, layer) };
  }
}

function routes({ stack }: RoutingLayer, run: TokenRun): boolean {
  return run.stack === undefined || (stack ?? 'decoder') === run.stack;
}

function firstChoice(
  { topK, weights }: RoutingLayer,
  token: number
): { slot: number; weight: number } {
  let slot = token * topK;
  for (let other = slot + 1; other < (token + 1) * topK; other++) {
    if (weights[other] > weights[slot]) {
      slot = other;
    }
  }
  return { slot, weight: weights[slot] ?? 0 };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
