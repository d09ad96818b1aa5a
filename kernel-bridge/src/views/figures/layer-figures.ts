/** Figures of one layer of a trace: load, co-activation, similarity, domains, time. */
import { clusteredOrder } from '../../base/charts';
import {
  coactivation,
  METRICS,
  strongestPairs,
  uniformTokenRate,
  wilsonInterval,
  type Partner,
  type RouterTally
} from '../../measures';
import {
  counted,
  layerName,
  type LoadIntervalRow,
  type RouterIdentity
} from '../../base/protocol';
import { Figure } from '../../show/figure';

/** More experts would make a figure illegible and large: only those with the most tokens are drawn. */
const MAX_DRAWN = 96;
const LINES = 10;
const MAX_LABEL_LENGTH = 100;

/** A square matrix over experts, and the order in which it is drawn. */
export interface ExpertMatrix {
  layer: string;
  experts: number;
  /** [experts][experts], by expert number; null where there is no value. */
  values: (number | null)[][];
  /** The experts that are drawn, with similar ones adjacent. */
  order: number[];
}

export interface Loads {
  layer: string;
  tokens: number;
  /** Those that are new text: what the intervals are of. */
  effectiveTokens: number;
  /** k / E: the token rate at balance. */
  uniform: number;
  experts: LoadIntervalRow[];
}

/** Rows are domains or windows of time. */
export interface RateMatrix {
  layer: string;
  rows: { name: string; tokens: number; tokenRate: number[] }[];
}

/** Token rates with 95 % Wilson intervals, over the tokens that are new text. */
export function loadsFigure(tally: RouterTally, model: string): Figure<Loads> {
  const { router, tokens, effectiveTokens } = tally;
  const experts = Array.from(tally.counts, (selections, expert) => ({
    expert,
    selections,
    tokenRate: tokens === 0 ? 0 : selections / tokens,
    ...wilsonInterval(
      tokens === 0 ? 0 : (selections / tokens) * effectiveTokens,
      effectiveTokens
    )
  }));
  const uniform = uniformTokenRate(router.experts, router.topK);
  const title = `${named(model)}${layerName(router)} · load`;
  const about = `${METRICS.tokenRate.title} of ${router.experts} experts over ${counted(tokens, 'token')}, 95 % Wilson intervals${Math.round(effectiveTokens) < tokens ? ` of ${Math.round(effectiveTokens)} effective tokens` : ''}, balance at ${percent(uniform)}`;
  const busiest = [...experts].sort((a, b) => b.tokenRate - a.tokenRate);
  return new Figure(
    { layer: layerName(router), tokens, effectiveTokens, uniform, experts },
    { kind: 'intervals', title, subtitle: about, rows: experts, uniform },
    [
      `${title}: ${about}`,
      ...busiest
        .slice(0, LINES)
        .map(
          own =>
            `expert ${own.expert}: ${percent(own.tokenRate)} (${percent(own.low)} to ${percent(own.high)})`
        ),
      ...(busiest.length > LINES
        ? [`... and ${busiest.length - LINES} more`]
        : [])
    ].join('\n')
  );
}

/** Co-activation: of the tokens that select the row's expert, the share that selects the column's. */
export function coactivationFigure(
  tally: RouterTally,
  model: string
): Figure<ExpertMatrix & { pairs: Partner[] }> {
  const { router, counts, tokens } = tally;
  const pairs = tally.pairs();
  const values = coactivation(pairs, counts);
  const strongest = strongestPairs(pairs, counts, tokens).slice(0, LINES);
  const matrix = expertMatrixFigure(values, tally, {
    title: `${named(model)}${layerName(router)} · co-activation`,
    measure: METRICS.coactivation.title,
    about: `of the tokens that select the row's expert, the share that selects the column's`
  });
  return new Figure(
    { ...matrix.data, pairs: strongest },
    matrix.drawing,
    [
      String(matrix),
      ...strongest.map(
        ({ expert, partner, conditional }) =>
          `expert ${expert} with ${partner}: ${percent(conditional)}`
      )
    ].join('\n')
  );
}

interface CountedRouter {
  router: Pick<RouterIdentity, 'layer' | 'stack' | 'module' | 'experts'>;
  /** [experts]: number of tokens, to choose the experts that are drawn. */
  counts: ArrayLike<number>;
}

/** @param values [experts, experts], row-major; NaN where undefined, and on the diagonal */
export function expertMatrixFigure(
  values: ArrayLike<number>,
  { router, counts }: CountedRouter,
  words: { title: string; measure: string; about: string },
  domain?: readonly [number, number]
): Figure<ExpertMatrix> {
  const n = router.experts;
  const drawn = Array.from({ length: n }, (_, e) => e)
    .sort((a, b) => counts[b] - counts[a])
    .slice(0, MAX_DRAWN);
  const block = (order: readonly number[]): Float64Array =>
    Float64Array.from(
      order.flatMap(i => order.map(j => (i === j ? NaN : values[i * n + j])))
    );
  const order = clusteredOrder(block(drawn), drawn.length).map(i => drawn[i]);
  const labels = order.map(String);
  const part = order.length < n ? `, the ${order.length} busiest of ${n}` : '';
  const about = `${words.about}; clustered${part}`;
  return new Figure(
    {
      layer: layerName(router),
      experts: n,
      values: Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (__, j) => finiteOrNull(values[i * n + j]))
      ),
      order
    },
    {
      kind: 'matrix',
      title: words.title,
      subtitle: about,
      x: { title: 'expert', labels },
      y: { title: 'expert', labels },
      values: Array.from(block(order), finiteOrNull),
      measure: words.measure,
      ...(domain ? { domain } : {})
    },
    `${words.title}: ${about}`
  );
}

/** Token rate of each expert by domain. */
export function domainsFigure(
  tally: RouterTally,
  model: string
): Figure<RateMatrix> {
  return rateFigure(
    tally,
    [...tally.domains]
      .sort(([, a], [, b]) => b.tokens - a.tokens)
      .map(([name, own]) => ({ name, ...own })),
    {
      title: `${named(model)}${layerName(tally.router)} · domains`,
      rows: 'domain',
      about: `${METRICS.tokenRate.title} by domain, balance at ${percent(uniformTokenRate(tally.router.experts, tally.router.topK))}`
    }
  );
}

/** Token rate of each expert in windows of the trace, first to last. */
export function overTimeFigure(
  tally: RouterTally,
  model: string
): Figure<RateMatrix> {
  let from = 0;
  return rateFigure(
    tally,
    tally.windows.windows.map(({ tokens, counts }) => {
      const name = `${from}–${from + tokens - 1}`;
      from += tokens;
      return { name, tokens, counts };
    }),
    {
      title: `${named(model)}${layerName(tally.router)} · over time`,
      rows: 'tokens',
      about: `${METRICS.tokenRate.title} in windows of the trace, in the order of its samples`
    }
  );
}

function rateFigure(
  { router }: RouterTally,
  parts: readonly {
    name: string;
    tokens: number;
    counts: ArrayLike<number>;
  }[],
  words: { title: string; rows: string; about: string }
): Figure<RateMatrix> {
  const rows = parts.map(({ name, tokens, counts }) => ({
    name,
    tokens,
    tokenRate: Array.from(counts, count => (tokens === 0 ? 0 : count / tokens))
  }));
  return new Figure(
    { layer: layerName(router), rows },
    {
      kind: 'matrix',
      title: words.title,
      subtitle: words.about,
      x: {
        title: 'expert',
        labels: Array.from({ length: router.experts }, (_, e) => String(e))
      },
      y: {
        title: words.rows,
        labels: rows.map(({ name }) => name.slice(0, MAX_LABEL_LENGTH))
      },
      values: rows.flatMap(({ tokenRate }) => tokenRate),
      measure: METRICS.tokenRate.title
    },
    [
      `${words.title}: ${words.about}`,
      ...rows.slice(0, 2 * LINES).map(({ name, tokens, tokenRate }) => {
        const peak = Math.max(...tokenRate);
        return `${name} (${counted(tokens, 'token')}): most to expert ${tokenRate.indexOf(peak)}, ${percent(peak)}`;
      })
    ].join('\n')
  );
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function named(model: string): string {
  return model === '' ? '' : `${model} · `;
}

function percent(rate: number): string {
  return `${(100 * rate).toFixed(1)} %`;
}
