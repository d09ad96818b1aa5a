/**
 * Checks that a layer's experts and weights are those that its logits give by the layer's convention. A file without a
 * content hash has no other sign of damage.
 */
import type { MoELayerCard } from '../../run/model/description';
import type { RoutingLayer } from '../../base/protocol';
import { route } from '../../routing/route';

/** Rounding of other programs and of half precision. */
const WEIGHT_TOLERANCE = 5e-3;
const TIE_TOLERANCE = 1e-3;

/** @returns the first token that contradicts its logits, and how; undefined if none does, or nothing can be said */
export function contradictedToken(
  layer: RoutingLayer,
  card: MoELayerCard
): { token: number; what: string } | undefined {
  const { experts, topK, logits, logitsAre, selected, weights } = layer;
  // Capacity depends on the order of tokens in the model's batch.
  if (logits.length === 0 || card.capacity !== undefined) {
    return undefined;
  }
  const again = route(logits, experts, topK, card, logitsAre);
  for (let token = 0; token * topK < selected.length; token++) {
    const row = logits.subarray(token * experts, (token + 1) * experts);
    if (!row.every(Number.isFinite)) {
      continue;
    }
    const own = selected.subarray(token * topK, (token + 1) * topK);
    const expected = again.selected.subarray(token * topK, (token + 1) * topK);
    for (let slot = 0; slot < topK; slot++) {
      const expert = own[slot];
      const weight = weights[token * topK + slot];
      if (expert < 0) {
        continue;
      }
      const at = expected.indexOf(expert);
      if (at < 0) {
        if (!isNearTie(row, expert, layer, card)) {
          return {
            token,
            what: `expert ${expert} is selected, which the logits do not give`
          };
        }
        // The weights of the others changed with it.
        break;
      }
      const want = again.weights[token * topK + at];
      // A weight of exactly 0 is a dropped token; others of it may have grown.
      if (
        weight === 0 ||
        card.renormalizedKept ||
        // The logits of shared experts are not in the file.
        card.sharedScores !== undefined ||
        Number.isNaN(weight)
      ) {
        continue;
      }
      if (
        Math.abs(weight - want) >
        WEIGHT_TOLERANCE * Math.max(1, Math.abs(want))
      ) {
        return {
          token,
          what: `expert ${expert} has the weight ${weight}, where the logits give ${want}`
        };
      }
    }
  }
  return undefined;
}

/** Whether rounding could decide for an expert. */
function isNearTie(
  row: Float32Array,
  expert: number,
  { experts, topK, logitsAre }: RoutingLayer,
  card: MoELayerCard
): boolean {
  const nudged = Float32Array.from(row);
  nudged[expert] += TIE_TOLERANCE * Math.max(1, Math.abs(row[expert]));
  return route(nudged, experts, topK, card, logitsAre).selected.includes(
    expert
  );
}
