/** Finds changes of load: against a baseline, and over time within a trace. */
import {
  cited,
  jackknife,
  slotShares,
  totalVariation,
  type RouterTally,
  type TraceTally
} from '../../measures';
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import { upperNormalTail } from '../../base/statistics/normal';
import { median } from '../../base/statistics/summary';
import { placeOf, type Finding } from './finding';
import type { Thresholds } from './thresholds';

/** Layers whose slot shares differ from the baseline by more than groups of text differ from each other. */
export function driftFrom(
  tally: TraceTally,
  baseline: TraceTally,
  thresholds: Thresholds
): Finding[] {
  return tally.routers.flatMap(router => {
    const before = baseline.find(router.router);
    return before && before.router.experts === router.router.experts
      ? layerDrift(router, before, thresholds)
      : [];
  });
}

function layerDrift(
  now: RouterTally,
  before: RouterTally,
  { drift_threshold: threshold, significance }: Thresholds
): Finding[] {
  const share = slotShares(now.counts);
  const was = slotShares(before.counts);
  const value = totalVariation(share, was);
  const errors = [now, before].map(({ groups }) =>
    Array.from(
      share,
      (_, e) => jackknife(groups.counts, counts => slotShares(counts)[e]).error
    )
  );
  const p = Array.from(share, (_, e) => {
    const error = Math.hypot(errors[0][e], errors[1][e]);
    const z = Math.abs(share[e] - was[e]) / error;
    return Number.isNaN(z) ? 1 : 2 * upperNormalTail(z);
  });
  const corrected = benjaminiHochberg(p);
  const moved = [...share.keys()].filter(e => corrected[e] < significance);
  if (!(value >= threshold) || moved.length === 0) {
    return [];
  }
  moved.sort(
    (a, b) => Math.abs(share[b] - was[b]) - Math.abs(share[a] - was[a])
  );
  return [
    {
      kind: 'drift',
      severity: 'warning',
      ...placeOf(now.router),
      experts: moved,
      ...cited(
        'totalVariation',
        'against the baseline; p by a jackknife over groups of text, corrected after Benjamini and Hochberg'
      ),
      value,
      threshold,
      message: `${(100 * value).toFixed(1)} % of selections moved against the baseline, most to or from expert ${moved[0]}`,
      evidence: {
        tokensSeen: now.tokens,
        baselineTokens: before.tokens,
        changes: moved.map(e => ({
          expert: e,
          slotShare: share[e],
          baselineSlotShare: was[e],
          correctedP: corrected[e]
        }))
      },
      suggestions: [
        {
          action: 'inspect',
          text: 'compare the texts first: a different mix of domains moves load without any change of the model'
        }
      ]
    }
  ];
}

/** With fewer windows the spread is too uncertain for outlier detection. */
export const MIN_WINDOWS = 20;
/** Scaled median absolute deviations beyond which a window is an outlier. */
const UNUSUAL = 5;
const MAD_TO_SIGMA = 1.4826;

/** Windows of a trace whose load differs from the rest. */
export function anomalies(
  tally: TraceTally,
  { drift_threshold: threshold }: Thresholds
): Finding[] {
  return tally.routers.flatMap(router => {
    const { windows } = router.windows;
    if (windows.length < MIN_WINDOWS) {
      return [];
    }
    const overall = slotShares(router.counts);
    const distances = windows.map(({ counts }) =>
      totalVariation(slotShares(counts), overall)
    );
    const typical = median(distances);
    const spread =
      MAD_TO_SIGMA * median(distances.map(d => Math.abs(d - typical)));
    let start = 0;
    const unusual = windows.flatMap(({ tokens }, i) => {
      const from = start;
      start += tokens;
      return distances[i] - typical > Math.max(threshold, UNUSUAL * spread)
        ? [{ fromToken: from, toToken: start, totalVariation: distances[i] }]
        : [];
    });
    return unusual.length === 0
      ? []
      : [
          {
            kind: 'anomaly' as const,
            severity: 'info' as const,
            ...placeOf(router.router),
            experts: [],
            ...cited(
              'totalVariation',
              'of a window against all; an outlier beyond the median by 5 scaled median absolute deviations and by the threshold'
            ),
            value: Math.max(...unusual.map(w => w.totalVariation)),
            threshold,
            message: `${unusual.length} of ${windows.length} windows of the trace ${unusual.length === 1 ? 'is' : 'are'} routed unlike the rest`,
            evidence: { windows: unusual, typical },
            suggestions: [
              {
                action: 'inspect' as const,
                text: 'look at the texts of these windows'
              }
            ]
          }
        ];
  });
}
