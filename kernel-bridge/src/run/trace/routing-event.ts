/** Routing of one token at one layer, with the field names of the projects that this one grew from. */
import { probabilities } from '../../base/charts/measure';
import { entropy } from '../../base/statistics/entropy';
import type { RoutingLayer, Stack } from '../../base/protocol';

export interface RoutingEvent {
  /** Milliseconds since the epoch. */
  timestamp: number;
  sessionId: string;
  layerIdx: number;
  /** Where the layer's number alone does not tell which router it is. */
  stack?: Stack;
  module?: string;
  tokenPosition: number;
  tokenText: string;
  /** Multipliers of the selected experts, in the same order; empty if not recorded. */
  expertWeights: number[];
  selectedExperts: number[];
  /** 1 - H / ln E over the router's distribution: 1 is certain, 0 is uniform. */
  routingConfidence: number;
}

/** 1 - H / ln E of one token; sigmoid scores are normalised to a distribution first. NaN without logits. */
export function confidence(layer: RoutingLayer, token: number): number {
  const { experts, logits } = layer;
  if (logits.length === 0) {
    return NaN;
  }
  const p = probabilities({
    ...layer,
    logits: logits.subarray(token * experts, (token + 1) * experts)
  });
  return 1 - entropy(p) / Math.log(experts);
}
