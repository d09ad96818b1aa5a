/** Plans one layer from its measurements. */
import type { Router } from '../../routing/convention';
import type { ExpertRow, LayerPlan } from './compression-document';
import { decide, type LayerDecision, type LayerEvidence } from './decide';
import { likeness } from './expert-likeness';
import { loraRanks } from './lora-ranks';
import type { CompressionCriterion } from './options';
import { known, pairLikeness, pairRows } from './pair-rows';

export interface PlanSettings {
  by: CompressionCriterion;
  mergeDifference: number;
  loraRank: number;
  mergedBy: LayerPlan['mergedBy'];
  /** The most extreme first; as many as are kept stay. */
  superExperts: readonly number[];
}

export function planLayer(
  {
    layer,
    stack,
    module,
    topK
  }: Pick<Router, 'layer' | 'stack' | 'module' | 'topK'>,
  evidence: LayerEvidence,
  kept: number,
  settings: PlanSettings
): LayerPlan {
  const { superExperts } = settings;
  const decision = decide(evidence, kept, {
    ...settings,
    protect: superExperts.slice(0, kept)
  });
  const { pairs, weights, naee, experts, tokens } = evidence;
  const planned = naee?.find(
    set => set.experts.join() === decision.keep.join()
  );
  return {
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {}),
    experts,
    topK,
    tokens,
    by: decision.by,
    keep: decision.keep,
    prune: decision.prune,
    merge: decision.merge.map(({ expert, into }) => ({
      expert,
      into,
      ...pairLikeness(likeness(expert, into, pairs!, weights))
    })),
    superExperts: evidence.peaks
      ? [...superExperts].sort((a, b) => a - b)
      : null,
    mergedBy: settings.mergedBy,
    removals: decision.removals,
    disagreements: decision.disagreements,
    naee:
      naee && planned
        ? {
            keep: naee[0].experts,
            error: naee[0].error,
            planError: planned.error
          }
        : null,
    pairs: pairRows(evidence, decision, settings),
    rows: rows(evidence, decision, settings)
  };
}

function rows(
  evidence: LayerEvidence,
  { prune, merge }: LayerDecision,
  { loraRank, superExperts }: PlanSettings
): ExpertRow[] {
  const { experts, tokens, importance, peaks } = evidence;
  const { counts, gateSum, reap, ean } = importance;
  // What an expert adds: the sum of gate times norm, or of gates where norms are unknown. Merge targets include their sources.
  const shares = Float64Array.from(gateSum, (gates, e) =>
    counts[e] === 0 ? 0 : reap ? reap[e] * counts[e] : gates
  );
  merge.forEach(({ expert, into }) => (shares[into] += shares[expert]));
  [...prune, ...merge.map(({ expert }) => expert)].forEach(
    expert => (shares[expert] = 0)
  );
  const ranks = loraRanks(shares, loraRank);
  return Array.from({ length: experts }, (_, expert) => ({
    expert,
    decision: prune.includes(expert)
      ? 'prune'
      : merge.some(own => own.expert === expert)
        ? 'merge'
        : 'keep',
    tokens: counts[expert],
    tokenRate: counts[expert] / tokens,
    gateSum: gateSum[expert],
    reap: reap ? known(reap[expert]) : null,
    ean: ean ? known(ean[expert]) : null,
    peak: peaks ? known(peaks[expert]) : null,
    superExpert: superExperts.includes(expert),
    nearest: nearest(evidence, expert),
    loraRank: ranks[expert]
  }));
}

function nearest(
  { experts, pairs, weights }: LayerEvidence,
  expert: number
): ExpertRow['nearest'] {
  let best: ExpertRow['nearest'] = null;
  for (let other = 0; pairs && other < experts; other++) {
    if (other !== expert) {
      const own = likeness(expert, other, pairs, weights);
      if (own.difference < (best?.difference ?? Infinity)) {
        best = { expert: other, ...pairLikeness(own) };
      }
    }
  }
  return best;
}
