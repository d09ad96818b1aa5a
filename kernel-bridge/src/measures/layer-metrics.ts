/** Every figure of a router that follows from its tally. */
import type { RouterIdentity } from '../base/protocol';
import {
  absoluteBalance,
  coefficientOfVariation,
  jainIndex,
  loadEntropy,
  maxViolation,
  slotShares,
  switchAuxiliaryLoss,
  tokenRates
} from './balance';
import {
  jackknife,
  meanInterval,
  upperBound,
  type Interval
} from '../base/statistics/intervals';
import { studentOneSided95 } from '../base/statistics/student-t';
import { repetition, type Repetition } from './repetition';
import type { RouterTally } from './router-tally';
import { argMax } from './vectors';

export interface LayerMetrics extends RouterIdentity {
  tokens: number;
  /** topK a token, less what was dropped. */
  slots: number;
  /** Slots that no expert took, of all. */
  droppedSlotRate: number;
  jain: number;
  /** Standard error of `jain` by leaving out groups of text; NaN with a single one. */
  jainError: number;
  /** One-sided 95 % bound above `jain`: a layer whose bound is below a threshold is below it for sure; 1 of fewer than 5 texts. */
  jainUpperBound: number;
  cv: number;
  maxVio: number;
  absoluteBalance: number;
  loadEntropy: number;
  /** [experts], c_e / sum c */
  slotShare: Float64Array;
  /** [experts], c_e / T */
  tokenRate: Float64Array;
  /** [experts], one-sided 95 % upper bound of the token rate */
  tokenRateUpperBound: Float64Array;
  /** [experts], tokens whose first choice it was / T */
  firstChoiceTokenRate: Float64Array;
  /** The largest of `firstChoiceTokenRate`, and whose it is. */
  topFirstChoice: { expert: number; tokenRate: number };
  /** [experts], mean weight on the tokens that selected it */
  meanWeight: Float64Array;
  /** Mean over tokens of the sum of their weights, and of the largest less the second largest. */
  meanWeightSum: number;
  meanWeightMargin: number;
  repetition: Repetition;
  /** What follows from logits; absent where a trace has none. */
  distribution?: DistributionMetrics;
}

export interface DistributionMetrics {
  tokens: number;
  nonFiniteTokens: number;
  /** Mean entropy H of the router's distribution over all experts, in nats. */
  meanTokenEntropy: number;
  meanTokenEntropyInterval: Interval;
  /** 1 - mean H / ln E: 0 of a router that tells no expert from another; 1 when there is one expert. */
  meanConfidence: number;
  /** Mean of the largest less the second largest probability. */
  meanMargin: number;
  /** Mean probability of the selected experts together. */
  meanKeptMass: number;
  /** Mean of the smallest selected logit less the largest other one; NaN when all are selected. */
  meanNearMiss: number;
  /** Share of tokens whose perplexity exp(H) is below 99 % of E. */
  decisiveTokenRate: number;
  /** Mean of (log sum exp logits)^2 (ST-MoE, arXiv 2202.08906); NaN of probabilities. */
  zLoss: number;
  /** E sum f P over first choices (Switch): 1 at balance. */
  switchLoss: number;
  /** [experts], mean router probability P_e */
  meanProbability: Float64Array;
}

/** From fewer texts the spread between texts is not known. */
const MIN_GROUPS = 5;

/** NaN stands for what no token has told yet. */
export function layerMetrics(tally: RouterTally): LayerMetrics {
  const { router, counts, tokens, firstChoice, gateSum, choiceWeights } = tally;
  const slots = counts.reduce((a, b) => a + b, 0);
  const { error, groups } = jackknife(tally.groups.counts, jainIndex);
  const jain = jainIndex(counts);
  const firstChoiceTokenRate = tokenRates(firstChoice, tokens);
  const top = argMax(firstChoiceTokenRate);
  return {
    ...router,
    tokens,
    slots,
    droppedSlotRate: tally.droppedSlots / (slots + tally.droppedSlots),
    jain,
    jainError: error,
    jainUpperBound:
      groups < MIN_GROUPS
        ? 1
        : Math.min(1, jain + studentOneSided95(groups - 1) * error),
    cv: coefficientOfVariation(counts),
    maxVio: maxViolation(counts),
    absoluteBalance: absoluteBalance(counts),
    loadEntropy: loadEntropy(counts),
    slotShare: slotShares(counts),
    tokenRate: tokenRates(counts, tokens),
    tokenRateUpperBound: counts.map(count => upperBound(count, tokens)),
    firstChoiceTokenRate,
    topFirstChoice: { expert: top, tokenRate: firstChoiceTokenRate[top] },
    meanWeight: gateSum.map((gates, e) => gates / counts[e]),
    meanWeightSum: gateSum.reduce((a, b) => a + b, 0) / tokens,
    meanWeightMargin: (choiceWeights.first - choiceWeights.second) / tokens,
    repetition: repetition(tally),
    ...(tally.logits.tokens + tally.logits.nonFiniteTokens > 0
      ? { distribution: distributionMetrics(tally) }
      : {})
  };
}

function distributionMetrics({
  router,
  logits,
  firstChoice
}: RouterTally): DistributionMetrics {
  const { tokens } = logits;
  const meanTokenEntropy = logits.entropy / tokens;
  return {
    tokens,
    nonFiniteTokens: logits.nonFiniteTokens,
    meanTokenEntropy,
    meanTokenEntropyInterval: meanInterval(
      logits.entropy,
      logits.entropySquared,
      tokens
    ),
    meanConfidence:
      router.experts === 1
        ? 1
        : // Rounding may bring a mean entropy above that of chance.
          Math.max(0, 1 - meanTokenEntropy / Math.log(router.experts)),
    meanMargin: logits.margin / tokens,
    meanKeptMass: logits.keptMass / tokens,
    meanNearMiss: logits.nearMiss / logits.nearMissTokens,
    decisiveTokenRate: logits.decisiveTokens / tokens,
    zLoss: logits.zLoss / tokens,
    switchLoss: switchAuxiliaryLoss(firstChoice, logits.probability, tokens),
    meanProbability: logits.probability.map(p => p / tokens)
  };
}
