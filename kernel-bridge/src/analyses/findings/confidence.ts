/** Finds routers that hardly prefer one expert over another. */
import {
  cited,
  wilsonInterval,
  Z_ONE_SIDED_95,
  type LayerMetrics,
  type RouterTally
} from '../../measures';
import { counted } from '../../base/protocol';
import { placeOf } from './finding';
import type { Verdicts } from './load';
import type { Thresholds } from './thresholds';

/**
 * A layer is indecisive if most of its tokens have a perplexity exp(H) within 1 % of the number of experts: the router
 * gives selected and unselected experts the same probability. An entropy threshold would not work: a router that weights
 * 6 of 8 experts differently for every token works, at a confidence 1 - H / ln E of 0.14.
 */
export function lowConfidence(
  { logits: { tokens: withLogits }, tokens: all, effectiveTokens }: RouterTally,
  metrics: LayerMetrics,
  { routing_confidence_threshold: threshold }: Thresholds
): Verdicts {
  const { decisiveTokenRate } = metrics;
  // Repeats among the tokens with logits are as many as among all.
  const tokens = (withLogits * effectiveTokens) / Math.max(1, all);
  if (metrics.experts === 1 || !(decisiveTokenRate < threshold)) {
    return { findings: [], undecided: [] };
  }
  const { high } = wilsonInterval(
    decisiveTokenRate * tokens,
    tokens,
    Z_ONE_SIDED_95
  );
  if (high >= threshold) {
    return {
      findings: [],
      undecided: [
        {
          kind: 'low-confidence',
          ...placeOf(metrics),
          experts: [],
          value: decisiveTokenRate,
          threshold,
          reason: `cannot tell yet: with ${counted(Math.round(tokens), 'token')} of new text the share may be as high as ${high.toFixed(2)}`
        }
      ]
    };
  }
  return {
    undecided: [],
    findings: [
      {
        kind: 'low-confidence',
        severity: 'warning',
        ...placeOf(metrics),
        experts: [],
        ...cited('decisiveTokenRate'),
        value: decisiveTokenRate,
        threshold,
        message: `the router gives all ${metrics.experts} experts nearly the same probability: ${(100 * decisiveTokenRate).toFixed(1)} % of tokens are routed decisively`,
        evidence: {
          cause: 'indecisive',
          tokensSeen: withLogits,
          effectiveTokens: tokens,
          upperBound: high,
          meanTokenEntropy: metrics.meanTokenEntropy,
          largestEntropy: Math.log(metrics.experts),
          meanConfidence: metrics.meanConfidence,
          meanMargin: metrics.meanMargin,
          meanKeptMass: metrics.meanKeptMass,
          keptMassByChance: metrics.topK / metrics.experts
        },
        suggestions: [
          {
            action: 'retrain',
            text: "the router's weights are too small for its input, or were never trained: scale or retrain them; until then rounding decides top-k"
          }
        ]
      }
    ]
  };
}
