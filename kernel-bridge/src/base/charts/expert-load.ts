/** Token rates of a layer's experts. */
import type { RoutingLayer, RoutingSample } from '../protocol';
import { expertCounts } from './measure';
import { ceiling } from './routing-rows';

export interface ExpertLoadRow {
  expert: number;
  /** c: number of selections of the expert. */
  selections: number;
  /** c / tokens. Sums to k over the experts; the uniform share is k / experts. */
  tokenRate: number;
}

/** A layer's load, [experts]. */
export function expertLoad(layer: RoutingLayer): ExpertLoadRow[] {
  const tokens = layer.selected.length / Math.max(layer.topK, 1);
  return Array.from(expertCounts(layer), (selections, expert) => ({
    expert,
    selections,
    tokenRate: tokens === 0 ? 0 : selections / tokens
  }));
}

/** Upper end of the token rate axis that fits all layers of the samples. */
export function tokenRateCeiling(samples: readonly RoutingSample[]): number {
  let peak = 0;
  for (const sample of samples) {
    for (const layer of sample.layers) {
      for (const { tokenRate } of expertLoad(layer)) {
        peak = Math.max(peak, tokenRate);
      }
    }
  }
  return ceiling(peak);
}
