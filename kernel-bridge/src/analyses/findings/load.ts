/** Finds dead and cold experts, imbalance, collapse and capacity overflow. */
import {
  balancedLoad,
  capacityCurve,
  cited,
  exampleDevices,
  METRICS,
  planReplicas,
  smallestFactor,
  tokenRates,
  upperBound,
  wilsonInterval,
  Z_ONE_SIDED_95,
  type LayerMetrics
} from '../../measures';
import type { RouterTally } from '../../measures';
import { counted, type RouterIdentity } from '../../base/protocol';
import { argMax } from '../../measures/vectors';
import {
  numberOrNull,
  placeOf,
  type Finding,
  type Suggestion,
  type Undecided
} from './finding';
import type { Thresholds } from './thresholds';

export interface Verdicts {
  findings: Finding[];
  undecided: Undecided[];
}

/** A cold expert has at most this part of the tokens of a balanced expert. */
const COLD_PART = 0.1;

function coldRate(
  { experts, topK }: RouterIdentity,
  { cold_expert_threshold }: Thresholds
): number {
  return Math.min(cold_expert_threshold, (COLD_PART * topK) / experts);
}

/** Effective tokens that show an expert to be dead: fewer leave its upper bound above the threshold. */
export function enoughTokens(
  router: RouterIdentity,
  thresholds: Thresholds
): number {
  const { experts, topK } = router;
  return Math.ceil(
    Math.max(
      3 / coldRate(router, thresholds),
      (thresholds.dead_expert_threshold * experts) / topK
    )
  );
}

/** How much text there is, in words: repeats are no evidence. */
function newText({ tokens, effectiveTokens }: RouterTally): string {
  const whole = Math.round(effectiveTokens);
  return whole < tokens
    ? `${whole} of ${counted(tokens, 'token')} are new text`
    : counted(tokens, 'token');
}

/** Dead and cold experts; conclusive only if the upper confidence bound of the rate is below the threshold. */
export function unusedExperts(
  tally: RouterTally,
  thresholds: Thresholds
): Verdicts {
  const { dead_expert_threshold } = thresholds;
  const { router, counts, tokens, effectiveCounts, effectiveTokens } = tally;
  const { experts, topK } = router;
  const balanced = topK / experts;
  const threshold = coldRate(router, thresholds);
  const enough = enoughTokens(router, thresholds);
  const rates = tokenRates(counts, tokens);
  const findings: Finding[] = [];
  const unsure: number[] = [];
  for (let expert = 0; expert < experts && tokens > 0; expert++) {
    const bound = upperBound(effectiveCounts[expert], effectiveTokens);
    const sure =
      bound <= threshold &&
      balancedLoad(effectiveTokens, experts, topK) >= dead_expert_threshold;
    if (!sure) {
      if (rates[expert] < threshold) {
        unsure.push(expert);
      }
      continue;
    }
    const dead = counts[expert] === 0;
    findings.push({
      kind: dead ? 'dead-expert' : 'cold-expert',
      severity: dead ? 'error' : 'warning',
      ...placeOf(router),
      experts: [expert],
      ...cited(
        'tokenRate',
        `upper bound ${METRICS.tokenRateUpperBound.formula}`
      ),
      value: rates[expert],
      threshold,
      message: dead
        ? `no token of ${tokens} selected expert ${expert}`
        : `expert ${expert} was selected by ${counts[expert]} of ${counted(tokens, 'token')}`,
      evidence: {
        selections: counts[expert],
        tokensSeen: tokens,
        effectiveTokens,
        upperBound: bound,
        balancedTokenRate: balanced
      },
      suggestions: unusedSuggestions(expert, dead)
    });
  }
  return {
    findings,
    undecided:
      unsure.length === 0
        ? []
        : [
            {
              kind: 'dead-expert',
              ...placeOf(router),
              experts: unsure,
              value: Math.min(...unsure.map(e => rates[e])),
              threshold,
              reason: `cannot tell yet: ${newText(tally)}, about ${enough} are needed`
            }
          ]
  };
}

function unusedSuggestions(expert: number, dead: boolean): Suggestion[] {
  return [
    {
      action: 'bias-update',
      text: `raise the selection bias of expert ${expert} in training, a small step at a time (arXiv 2408.15664)`,
      data: { expert, direction: 1 }
    },
    {
      action: 'prune',
      text: dead
        ? `expert ${expert} can be removed: on text like this it changes nothing`
        : `expert ${expert} is a candidate for removal; measure the effect with ablate first`,
      data: { expert }
    }
  ];
}

/** With fewer distinct tokens a trace does not show how the router selects. */
const MIN_DISTINCT_IDS = 10;

/** Tokens that are unknown are not known to be few. */
function areFew(distinctIds: number | undefined): boolean {
  return distinctIds !== undefined && distinctIds < MIN_DISTINCT_IDS;
}

/** Layers with Jain's index below the threshold, by more than the spread between groups of text explains. */
export function loadImbalance(
  tally: RouterTally,
  metrics: LayerMetrics,
  { load_balance_threshold: threshold }: Thresholds,
  distinctIds: number | undefined
): Verdicts {
  const { router, counts } = tally;
  // When every token selects every expert, there is nothing to balance.
  if (!(metrics.jain < threshold) || router.topK === router.experts) {
    return { findings: [], undecided: [] };
  }
  const fewIds = areFew(distinctIds);
  if (fewIds || !(metrics.jainUpperBound < threshold)) {
    return {
      findings: [],
      undecided: [
        {
          kind: 'load-imbalance',
          ...placeOf(router),
          experts: [],
          value: metrics.jain,
          threshold,
          reason: fewIds
            ? `cannot tell yet: it saw ${counted(distinctIds ?? 0, 'distinct token')}, ${MIN_DISTINCT_IDS} are needed`
            : `cannot tell yet: ${newText(tally)}, and the Jain index may be as high as ${metrics.jainUpperBound.toFixed(3)}; give more texts`
        }
      ]
    };
  }
  const mean = metrics.slots / router.experts;
  const overloaded = [...counts.keys()]
    .filter(e => counts[e] > 2 * mean)
    .sort((a, b) => counts[b] - counts[a]);
  return {
    undecided: [],
    findings: [
      {
        kind: 'load-imbalance',
        severity: 'warning',
        ...placeOf(router),
        experts: overloaded,
        ...cited('jain'),
        value: metrics.jain,
        threshold,
        message: `the load of ${router.experts} experts is uneven: Jain index ${metrics.jain.toFixed(3)}, the busiest has ${(metrics.maxVio + 1).toFixed(1)} times the mean`,
        evidence: {
          tokensSeen: metrics.tokens,
          effectiveTokens: metrics.effectiveTokens,
          upperBound: metrics.jainUpperBound,
          cv: metrics.cv,
          maxVio: metrics.maxVio,
          loadEntropy: metrics.loadEntropy,
          slotShare: [...metrics.slotShare]
        },
        suggestions: balanceSuggestions(counts, metrics, router.topK)
      }
    ]
  };
}

/** A capacity factor may drop this part of the slots. */
const FEW_DROPPED = 0.01;

function balanceSuggestions(
  counts: Float64Array,
  { experts, slots }: LayerMetrics,
  topK: number
): Suggestion[] {
  const mean = slots / experts;
  const layout = exampleDevices(experts);
  const plan = planReplicas(counts, layout);
  const curve = capacityCurve([counts], topK);
  const factor = smallestFactor(curve, FEW_DROPPED);
  const busiest = (loads: readonly number[]): string =>
    ((Math.max(...loads) * loads.length) / slots).toFixed(2);
  return [
    {
      action: 'bias-update',
      text: 'fit selection biases and try them on held-out prompts, which tells their cost in loss and KL divergence: balanceLoad(model, prompts), or moe-debugger balance MODEL --prompts FILE; it runs each prompt twice. Of a trace with logits, predictBalance(trace) runs nothing, and tells no cost',
      data: { direction: Array.from(counts, count => Math.sign(mean - count)) }
    },
    {
      action: 'replicas',
      text: `serve with ${layout.replicas - experts} replicas of the busiest experts (EPLB): on ${layout.devices} devices the busiest has ${busiest(plan.deviceLoadBefore)} times the mean load without, ${busiest(plan.deviceLoad)} with them`,
      data: plan
    },
    {
      action: 'capacity',
      text: `where capacity is limited, a factor of ${factor.toFixed(2)} drops less than 1 % of these slots, ${curve.at(-1)!.factor.toFixed(2)} none`,
      data: { factor, curve }
    }
  ];
}

/** The lower confidence bound of a collapse must exceed this, so that few tokens give no verdict. */
const COLLAPSE_CERTAIN = 0.9;

/**
 * Finds routers that select the same regardless of the token: one expert first for nearly all tokens, or the same k
 * experts. For the latter, k / E is chance and is subtracted.
 */
export function routerCollapse(
  tally: RouterTally,
  metrics: LayerMetrics,
  { collapse_threshold: threshold }: Thresholds,
  distinctIds: number | undefined
): Verdicts {
  const { router, tokens, effectiveTokens } = tally;
  const { experts, topK } = router;
  if (topK === experts || tokens === 0) {
    return { findings: [], undecided: [] };
  }
  const order = [...metrics.tokenRate.keys()].sort(
    (a, b) => metrics.tokenRate[b] - metrics.tokenRate[a]
  );
  const same = order.slice(0, topK);
  const sameRate =
    same.reduce((sum, e) => sum + metrics.tokenRate[e], 0) / topK;
  const expert = argMax(metrics.firstChoiceTokenRate);
  const tokenRate = metrics.firstChoiceTokenRate[expert];
  const hasWeights = topK === 1 || tally.weightedTokens > 0;
  // If both hold, the common first choice is the cause: the second choice then has little weight.
  const bySet = tokenRate < threshold;
  const value = bySet ? metrics.meanTopTokenRate : tokenRate;
  if (!(value >= threshold)) {
    return { findings: [], undecided: [] };
  }
  const { low } = wilsonInterval(
    value * effectiveTokens,
    effectiveTokens,
    Z_ONE_SIDED_95
  );
  if (areFew(distinctIds) || !(low >= COLLAPSE_CERTAIN)) {
    return {
      findings: [],
      undecided: [
        {
          kind: 'router-collapse',
          ...placeOf(router),
          experts: bySet ? same : [expert],
          value,
          threshold,
          reason: areFew(distinctIds)
            ? `cannot tell yet: it saw ${counted(distinctIds!, 'distinct token')}, ${MIN_DISTINCT_IDS} are needed`
            : `cannot tell yet: ${newText(tally)}, the share may be as low as ${low.toFixed(2)}; give more texts`
        }
      ]
    };
  }
  return {
    undecided: [],
    findings: [
      {
        kind: 'router-collapse',
        severity: 'error',
        ...placeOf(router),
        experts: bySet ? same : [expert],
        ...cited(bySet ? 'meanTopTokenRate' : 'firstChoiceTokenRate'),
        value,
        threshold,
        message: bySet
          ? `the router selects experts ${same.join(', ')} for ${(100 * sameRate).toFixed(1)} % of tokens, whatever they are`
          : `expert ${expert} is the first choice of ${(100 * tokenRate).toFixed(1)} % of tokens, whatever they are${hasWeights ? '' : ' (the first that is listed: weights were not recorded)'}`,
        evidence: {
          cause: 'input-independent',
          tokensSeen: tokens,
          effectiveTokens,
          lowerBound: low,
          firstChoiceTokenRate: tokenRate,
          firstChoiceExpert: expert,
          sameExpertsTokenRate: sameRate,
          meanWeight: numberOrNull(metrics.meanWeight[expert]),
          loadEntropy: metrics.loadEntropy
        },
        suggestions: [
          {
            action: 'retrain',
            text: "inspect the router's weights and input: a row along the mean input, a large bias or exploding logits select one expert for everything; retrain it with a balancing loss and a router z-loss"
          },
          {
            action: 'bias-update',
            text: `lower the selection bias of expert ${expert}`,
            data: { expert, direction: -1 }
          }
        ]
      }
    ]
  };
}

/**
 * Slots without an expert.
 *
 * @param hasCapacity the model or the trace says that the experts have a capacity; otherwise the cause is not known
 */
export function emptySlots(
  tally: RouterTally,
  metrics: LayerMetrics,
  { capacity_drop_threshold: threshold }: Thresholds,
  hasCapacity: boolean
): Finding[] {
  const { droppedSlots, router, counts } = tally;
  if (droppedSlots === 0) {
    return [];
  }
  const found = {
    severity: metrics.droppedSlotRate > threshold ? 'warning' : 'info',
    ...placeOf(router),
    ...cited('droppedSlotRate'),
    value: metrics.droppedSlotRate,
    threshold,
    evidence: {
      droppedSlots,
      tokensSeen: metrics.tokens,
      maxVio: metrics.maxVio
    }
  } as const;
  const slots = `${droppedSlots} of ${counted(droppedSlots + metrics.slots, 'slot')}`;
  if (!hasCapacity) {
    return [
      {
        ...found,
        kind: 'empty-slots',
        experts: [],
        message: `${slots} have no expert; nothing says that experts have a capacity, so they may be masked, absent or padding`,
        suggestions: []
      }
    ];
  }
  const mean = metrics.slots / router.experts;
  const full = [...counts.keys()]
    .filter(e => counts[e] > mean)
    .sort((a, b) => counts[b] - counts[a]);
  return [
    {
      ...found,
      kind: 'capacity-overflow',
      experts: full,
      message: `${slots} were dropped over capacity`,
      suggestions: [
        {
          action: 'capacity',
          text: 'raise the capacity factor, or balance the router so that no expert fills up first',
          data: { busiest: full }
        }
      ]
    }
  ];
}
