/** Findings of changes over time within a trace. */
import {
  cited,
  totalVariation,
  slotShares,
  type RouterTally,
  type TraceTally
} from '../../../measures';
import { placeOf, type Finding } from '../finding';
import type { Thresholds } from '../thresholds';
import type { Change } from './find-changes';
import { forecast } from './forecast';
import { changesOf, seriesOf, startsOf, type Series } from './series';

/** Changes that are large enough, of all routers: trends, change points and stretches unlike the rest. */
export function changesOverTime(
  tally: TraceTally,
  thresholds: Thresholds
): Finding[] {
  return tally.routers.flatMap(router => {
    const series = seriesOf(router);
    if (!series) {
      return [];
    }
    const found = largeChanges(
      router,
      series,
      thresholds,
      tally.routers.length
    );
    const stretches = found.filter(({ kind }) => kind === 'stretch');
    return [
      ...found
        .filter(({ kind }) => kind !== 'stretch')
        .map(change => changed(router, series, change, found, thresholds)),
      ...(stretches.length > 0
        ? [anomaly(router, series, stretches, thresholds)]
        : [])
    ];
  });
}

/** Those that move more selections than chance would and the threshold. */
export function largeChanges(
  { router }: RouterTally,
  series: Series,
  { significance, drift_threshold: threshold }: Thresholds,
  routers: number
): Change[] {
  return changesOf(series, significance, routers).filter(
    change =>
      moved(change, router.topK) - change.byChance / router.topK >= threshold
  );
}

/** Share of selections that moved. */
function moved({ difference }: Change, topK: number): number {
  return difference.reduce((sum, value) => sum + Math.abs(value), 0) / 2 / topK;
}

const FORMULA =
  'p of a contrast of rows by the variance between rows, corrected for the places where the change might be and for layers';
/** Experts whose changes are listed. */
const LISTED = 8;

function changed(
  tally: RouterTally,
  series: Series,
  change: Change,
  all: readonly Change[],
  { drift_threshold: threshold }: Thresholds
): Finding {
  const { kind, from, to, p, difference, among } = change;
  const { router } = tally;
  const value = moved(change, router.topK);
  const starts = startsOf(series.rows);
  const experts = [...difference.keys()]
    .filter(e => difference[e] !== 0)
    .sort((a, b) => Math.abs(difference[b]) - Math.abs(difference[a]))
    .slice(0, LISTED);
  const percent = `${(100 * value).toFixed(0)} %`;
  const largest = `most ${difference[experts[0]] > 0 ? 'to' : 'from'} expert ${experts[0]}`;
  const next = forecast(series, all, router.topK);
  return {
    kind: kind === 'trend' ? 'trend' : 'change-point',
    severity: 'info',
    ...placeOf(router),
    experts,
    ...cited('totalVariation', FORMULA),
    value,
    threshold,
    message:
      kind === 'trend'
        ? `${percent} of selections moved steadily from the start to the end of ${among.length} ${series.unit}, ${largest}`
        : `${percent} of selections moved at token ${starts[from]}, ${largest}`,
    evidence: {
      ...(kind === 'trend'
        ? { fromToken: starts[from], toToken: starts[to] }
        : { atToken: starts[from] }),
      unit: series.unit,
      rows: among.length,
      textsPerRow: series.textsPerRow,
      correctedP: p,
      changes: experts.map(expert => ({
        expert,
        slotShareChange: difference[expert] / router.topK
      })),
      ...(kind === 'trend' && 'basis' in next
        ? {
            forecast: {
              ...next,
              slotShare: experts.map(expert => next.slotShare[expert]),
              low: experts.map(expert => next.low[expert]),
              high: experts.map(expert => next.high[expert])
            }
          }
        : {})
    },
    suggestions: [
      {
        action: 'inspect',
        text: 'compare the texts before and after: a different mix of domains moves load without any change of the model'
      }
    ]
  };
}

function anomaly(
  { router, counts }: RouterTally,
  series: Series,
  stretches: readonly Change[],
  { drift_threshold: threshold }: Thresholds
): Finding {
  const starts = startsOf(series.rows);
  const overall = slotShares(counts);
  const rows = stretches.flatMap(({ from, to }) =>
    Array.from({ length: to - from }, (_, i) => from + i)
  );
  const value = Math.max(...stretches.map(own => moved(own, router.topK)));
  const places = stretches.map(
    ({ from, to }) => `${starts[from]} to ${starts[to]}`
  );
  return {
    kind: 'anomaly',
    severity: 'info',
    ...placeOf(router),
    experts: [],
    ...cited('totalVariation', FORMULA),
    value,
    threshold,
    message: `tokens ${places.join(', ')} (${rows.length} of ${series.rows.length} ${series.unit}) are routed unlike the rest`,
    evidence: {
      windows: rows.map(row => ({
        fromToken: starts[row],
        toToken: starts[row + 1],
        totalVariation: totalVariation(
          slotShares(series.rows[row].counts),
          overall
        )
      })),
      stretches: stretches.map(own => ({
        fromToken: starts[own.from],
        toToken: starts[own.to],
        totalVariation: moved(own, router.topK),
        correctedP: own.p
      })),
      unit: series.unit,
      textsPerRow: series.textsPerRow,
      correctedP: Math.max(...stretches.map(({ p }) => p))
    },
    suggestions: [
      { action: 'inspect', text: 'look at the texts of these tokens' }
    ]
  };
}
