/** Computes experts and weights from a router's logits, by the facts of the model. */
import type { RoutingLayer } from '../../base/protocol';
import type { Convention } from '../../routing/convention';
import { route } from '../../routing/route';
import type { ImportContext } from './importer';

/**
 * @param logits [tokens, experts]
 * @returns the layer; experts of a token with NaN are -1, and weights are omitted if their rule is unknown
 */
export function routeRows(
  layer: number,
  logits: Float32Array,
  experts: number,
  topK: number,
  logitsAre: 'logits' | 'probabilities',
  { facts, note }: ImportContext
): RoutingLayer {
  const { score = 'softmax', renormalized, scale, groups } = facts;
  const convention: Convention = {
    score,
    // A softmax over the selected experts equals a full softmax divided by the sum of the selected.
    scoreBeforeTopK: true,
    renormalized: renormalized === true,
    ...(scale === undefined ? {} : { scale }),
    ...(groups ? { groups } : {})
  };
  const { selected, weights } = route(
    logits,
    experts,
    topK,
    convention,
    logitsAre
  );
  let broken = 0;
  for (let t = 0; t * experts < logits.length; t++) {
    if (logits.subarray(t * experts, (t + 1) * experts).some(Number.isNaN)) {
      selected.fill(-1, t * topK, (t + 1) * topK);
      weights.fill(NaN, t * topK, (t + 1) * topK);
      broken++;
    }
  }
  if (broken > 0) {
    note(`layer ${layer} has NaN for some tokens: they have no experts`);
  }
  return {
    layer,
    experts,
    topK,
    score,
    logitsAre,
    logits,
    selected,
    weights: renormalized === undefined ? new Float32Array() : weights
  };
}
