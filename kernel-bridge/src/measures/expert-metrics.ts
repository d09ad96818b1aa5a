/** Metrics with one number an expert, [experts], computed from the tally of a router. */
import { upperBound } from '../base/statistics/intervals';
import { slotShares, tokenRates } from './balance';
import { esftGateScores, esftTokenScores } from './esft';
import type { Metric } from './metric';
import type { RouterTally } from './router-tally';

type ExpertMetric = Metric<(tally: RouterTally) => Float64Array>;

export const EXPERT_METRICS = {
  slotShare: {
    title: 'slot share',
    unit: 'share',
    formula: 'f = c / sum c; 1 in all',
    needs: ['ids'],
    range: [0, 1],
    compute: ({ counts }) => slotShares(counts)
  },
  tokenRate: {
    title: 'token rate',
    unit: 'share',
    formula: 'a = c / T; k in all',
    needs: ['ids'],
    range: [0, 1],
    compute: ({ counts, tokens }) => tokenRates(counts, tokens)
  },
  tokenRateUpperBound: {
    title: 'upper bound of the token rate',
    unit: 'share',
    formula:
      'one-sided at 95 %: 3 / T when c = 0 (rule of three), else by Wilson; T and c of effective tokens',
    source: 'Hanley and Lippman-Hand 1983, JAMA 249; Wilson 1927, JASA 22',
    needs: ['ids'],
    range: [0, 1],
    compute: ({ effectiveCounts, effectiveTokens }) =>
      effectiveCounts.map(count => upperBound(count, effectiveTokens))
  },
  firstChoiceTokenRate: {
    title: 'token rate of first choices',
    unit: 'share',
    formula: 'tokens whose first choice it was / T',
    needs: ['ids', 'weights'],
    range: [0, 1],
    compute: ({ firstChoice, tokens }) => tokenRates(firstChoice, tokens)
  },
  meanWeight: {
    title: 'mean weight',
    unit: 'weight',
    formula: 'sum g / c, over the tokens that selected it',
    needs: ['ids', 'weights'],
    range: [-Infinity, Infinity],
    compute: ({ weightedCounts, gateSum }) =>
      gateSum.map((g, e) => g / weightedCounts[e])
  },
  meanProbability: {
    title: 'mean probability',
    unit: 'share',
    formula: 'mean p over all tokens',
    needs: ['logits'],
    range: [0, 1],
    compute: ({ logits }) => logits.probability.map(p => p / logits.tokens)
  },
  esftTokenScore: {
    title: 'ESFT token score',
    unit: 'share',
    formula: 'c / (k T)',
    source: 'ESFT, arXiv 2407.01906',
    needs: ['ids'],
    range: [0, 1],
    compute: ({ counts, tokens, router }) =>
      esftTokenScores(counts, tokens, router.topK)
  },
  esftGateScore: {
    title: 'ESFT gate score',
    unit: 'weight',
    formula: 'sum g / T',
    source: 'ESFT, arXiv 2407.01906',
    needs: ['ids', 'weights'],
    range: [-Infinity, Infinity],
    compute: ({ gateSum, weightedTokens }) =>
      esftGateScores(gateSum, weightedTokens)
  }
} satisfies Record<string, ExpertMetric>;
