/** Metrics with one number a layer, computed from the tally of its router. NaN stands for what no token has told yet. */
import { jackknife, meanInterval } from '../base/statistics/intervals';
import { studentOneSided95 } from '../base/statistics/student-t';
import {
  absoluteBalance,
  coefficientOfVariation,
  jainIndex,
  loadEntropy,
  maxViolation,
  switchAuxiliaryLoss,
  tokenRates
} from './balance';
import type { Metric } from './metric';
import { repetition } from './repetition';
import type { RouterTally } from './router-tally';
import { sum } from './vectors';

export type LayerMetric = Metric<(tally: RouterTally) => number>;

export const LAYER_METRICS = {
  jain: {
    title: 'Jain index',
    short: 'Jain',
    unit: '',
    formula: '(sum c)^2 / (E sum c^2)',
    source: 'Jain, Chiu and Hawe 1984, DEC-TR-301',
    needs: ['ids'],
    range: [0, 1],
    better: 'high',
    compute: ({ counts }) => jainIndex(counts)
  },
  jainError: {
    title: 'standard error of the Jain index',
    unit: '',
    formula: 'delete-a-group jackknife over groups of new text',
    source: 'Kott 2001, Journal of Official Statistics 17',
    needs: ['ids'],
    range: [0, Infinity],
    compute: ({ groups }) => jackknife(groups.counts, jainIndex).error
  },
  jainUpperBound: {
    title: 'upper bound of the Jain index',
    unit: '',
    formula:
      "Jain index + t_0.95 jainError, one-sided at 95 % by Student's t; 1 of fewer than 5 texts",
    needs: ['ids'],
    range: [0, 1],
    compute: ({ counts, groups }) => jainUpperBound(counts, groups.counts)
  },
  effectiveTokens: {
    title: 'effective tokens',
    unit: 'tokens',
    formula:
      'sum over tokens whose context of 3 tokens is new of the share of new contexts among the last 16; T if tokens are unknown',
    needs: ['tokenIds'],
    range: [0, Infinity],
    compute: ({ effectiveTokens }) => effectiveTokens
  },
  cv: {
    title: 'coefficient of variation',
    short: 'CV',
    unit: '',
    formula: 'sqrt(mean of (c - mean c)^2) / mean c',
    needs: ['ids'],
    range: [0, Infinity],
    better: 'low',
    compute: ({ counts }) => coefficientOfVariation(counts)
  },
  maxVio: {
    title: 'maximal violation',
    short: 'MaxVio',
    unit: '',
    formula: 'max c / mean c - 1',
    source: 'arXiv 2408.15664',
    needs: ['ids'],
    range: [0, Infinity],
    better: 'low',
    compute: ({ counts }) => maxViolation(counts)
  },
  absoluteBalance: {
    title: 'load balance',
    unit: '',
    formula: '1 - sum |c - mean c| / (2 sum c)',
    source: 'Lazarus',
    needs: ['ids'],
    range: [0, 1],
    better: 'high',
    compute: ({ counts }) => absoluteBalance(counts)
  },
  loadEntropy: {
    title: 'load entropy',
    short: 'load entropy',
    unit: '',
    formula: '-sum f ln f / ln E; 1 of a single expert',
    needs: ['ids'],
    range: [0, 1],
    better: 'high',
    compute: ({ counts }) => loadEntropy(counts)
  },
  droppedSlotRate: {
    title: 'dropped slots',
    unit: 'share',
    formula: 'slots without an expert / (k T)',
    needs: ['ids'],
    range: [0, 1],
    better: 'low',
    compute: ({ counts, droppedSlots }) =>
      droppedSlots / (sum(counts) + droppedSlots)
  },
  meanTopTokenRate: {
    title: 'same experts whatever the token',
    unit: 'share',
    formula: '(mean of the k largest a - k / E) / (1 - k / E)',
    needs: ['ids'],
    range: [0, 1],
    better: 'low',
    compute: ({ counts, tokens, router }) => {
      const chance = router.topK / router.experts;
      const rates = tokenRates(counts, tokens).sort().reverse();
      const same = sum(rates.subarray(0, router.topK)) / router.topK;
      // Dropped slots may bring it below chance.
      return Math.max(0, (same - chance) / (1 - chance));
    }
  },
  meanWeightSum: {
    title: 'sum of weights',
    unit: 'weight',
    formula: 'mean over tokens of sum g',
    needs: ['weights'],
    range: [-Infinity, Infinity],
    compute: ({ gateSum, weightedTokens }) => sum(gateSum) / weightedTokens
  },
  meanWeightMargin: {
    title: 'weight margin',
    unit: 'weight',
    formula: 'mean over tokens of the largest g - the second largest g',
    needs: ['weights'],
    range: [0, Infinity],
    compute: ({ choiceWeights: { first, second }, weightedTokens }) =>
      (first - second) / weightedTokens
  },
  meanTokenEntropy: {
    title: 'token entropy',
    unit: 'nats',
    formula: 'mean over tokens of H = -sum p ln p over all experts',
    needs: ['logits'],
    range: [0, Infinity],
    compute: ({ logits }) => logits.entropy / logits.tokens
  },
  meanTokenEntropyHalfWidth: {
    title: 'half width of the interval of the token entropy',
    unit: 'nats',
    formula:
      '1.96 sqrt(variance of H / (T - 1)): 95 %, tokens taken as independent',
    needs: ['logits'],
    range: [0, Infinity],
    compute: ({ logits: { entropy, entropySquared, tokens } }) => {
      const { low, high } = meanInterval(entropy, entropySquared, tokens);
      return (high - low) / 2;
    }
  },
  meanConfidence: {
    title: 'confidence',
    short: 'confidence',
    unit: '',
    formula: '1 - mean H / ln E; 1 of a single expert',
    needs: ['logits'],
    range: [0, 1],
    better: 'high',
    compute: ({ logits, router: { experts } }) => {
      const entropy = logits.entropy / logits.tokens;
      return experts === 1
        ? 1 - entropy
        : // Rounding may bring a mean entropy above that of chance.
          Math.max(0, 1 - entropy / Math.log(experts));
    }
  },
  meanMargin: {
    title: 'probability margin',
    unit: 'share',
    formula: 'mean over tokens of the largest p - the second largest p',
    needs: ['logits'],
    range: [0, 1],
    better: 'high',
    compute: ({ logits }) => logits.margin / logits.tokens
  },
  meanKeptMass: {
    title: 'kept mass',
    unit: 'share',
    formula:
      'mean over tokens of the sum of p of the selected; k / E by chance',
    needs: ['ids', 'logits'],
    range: [0, 1],
    better: 'high',
    compute: ({ logits }) => logits.keptMass / logits.tokens
  },
  meanNearMiss: {
    title: 'near miss',
    unit: 'logit',
    formula:
      'mean over tokens of the smallest selected z - the largest other z',
    needs: ['ids', 'logits'],
    range: [-Infinity, Infinity],
    compute: ({ logits }) => logits.nearMiss / logits.nearMissTokens
  },
  decisiveTokenRate: {
    title: 'decisive tokens',
    unit: 'share',
    formula:
      'tokens with exp(H) < 0.99 E / T, H = -sum p ln p over all experts',
    needs: ['logits'],
    range: [0, 1],
    better: 'high',
    compute: ({ logits }) => logits.decisiveTokens / logits.tokens
  },
  zLoss: {
    title: 'router z-loss',
    unit: 'nats²',
    formula: 'mean over tokens of (ln sum exp z)^2; none of probabilities',
    source: 'ST-MoE, arXiv 2202.08906',
    needs: ['logits'],
    range: [0, Infinity],
    better: 'low',
    compute: ({ logits }) => logits.zLoss / logits.tokens
  },
  switchLoss: {
    title: 'auxiliary loss',
    unit: '',
    formula:
      'E sum over e of (first choices of e / T) (mean p of e); 1 at balance',
    source: 'Switch Transformer, arXiv 2101.03961',
    needs: ['ids', 'weights', 'logits'],
    range: [0, Infinity],
    better: 'low',
    compute: ({ firstChoice, logits }) =>
      switchAuxiliaryLoss(firstChoice, logits.probability, logits.tokens)
  },
  firstChoiceRepetition: {
    title: 'first choice repeated',
    short: 'repeats',
    unit: 'share',
    formula: 'P(top-1 of t = top-1 of t + 1); 1 / E by chance',
    source: 'Mixtral, arXiv 2401.04088, table 5',
    needs: ['ids', 'weights'],
    range: [0, 1],
    compute: tally => repetition(tally).firstChoice
  },
  anyOverlapRepetition: {
    title: 'any expert repeated',
    unit: 'share',
    formula:
      'P(t and t + 1 share an expert); 1 - C(E - k, k) / C(E, k) by chance',
    source: 'Mixtral, arXiv 2401.04088, table 5',
    needs: ['ids'],
    range: [0, 1],
    compute: tally => repetition(tally).anyOverlap
  },
  meanOverlap: {
    title: 'experts repeated',
    unit: 'experts',
    formula: 'mean of |experts of t and of t + 1|; k^2 / E by chance',
    needs: ['ids'],
    range: [0, Infinity],
    compute: tally => repetition(tally).meanOverlap
  }
} satisfies Record<string, LayerMetric>;

/** From fewer texts the spread between texts is not known. */
const MIN_GROUPS = 5;

function jainUpperBound(
  counts: Float64Array,
  groups: readonly Float64Array[]
): number {
  const { error } = jackknife(groups, jainIndex);
  return groups.length < MIN_GROUPS
    ? 1
    : Math.min(
        1,
        jainIndex(counts) + studentOneSided95(groups.length - 1) * error
      );
}
