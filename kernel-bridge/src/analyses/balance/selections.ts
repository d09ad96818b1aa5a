import type { RoutingLayer } from '../../base/protocol';

/** How many tokens selected each expert. [E] */
export function selections({ experts, selected }: RoutingLayer): Float64Array {
  const counts = new Float64Array(experts);
  for (const expert of selected) {
    if (expert >= 0) {
      counts[expert]++;
    }
  }
  return counts;
}
