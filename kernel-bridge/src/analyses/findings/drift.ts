/** Finds changes of load against a baseline. */
import {
  cited,
  jackknife,
  slotShares,
  totalVariation,
  type RouterTally,
  type TraceTally
} from '../../measures';
import { benjaminiHochberg } from '../../base/statistics/multiple-testing';
import { upperStudentTail } from '../../base/statistics/student-t';
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
  // Of few groups of text the errors themselves are uncertain.
  const degrees =
    Math.min(now.groups.counts.length, before.groups.counts.length) - 1;
  const p = Array.from(share, (_, e) => {
    const error = Math.hypot(errors[0][e], errors[1][e]);
    const z = Math.abs(share[e] - was[e]) / error;
    return Number.isNaN(z) ? 1 : 2 * upperStudentTail(z, degrees);
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
