/**
 * Checks that a layer's experts and weights are those that its logits give by the layer's convention. A file without a
 * content hash has no other sign of damage. The logit of an expert that is far from being selected shows nowhere else, so
 * its damage goes unnoticed: `integrity` of a file says so.
 */
import type { MoELayerCard } from '../../run/model/description';
import type { RoutingLayer } from '../../base/protocol';
import { route } from '../../routing/route';

/** Rounding of other programs and of half precision. */
const WEIGHT_TOLERANCE = 5e-3;
const TIE_TOLERANCE = 1e-3;
/** Of a sum of weights that are rounded to bfloat16's 8 bits, or to four decimals each. */
const SUM_TOLERANCE = 0.02;
/** A larger one beside small scores makes the sum smaller. */
const MAX_EPSILON = 1e-6;

/** Whether the weights of a token sum to what they are divided by, times the model's scale. */
export function sumsTo(sum: number, scale: number): boolean {
  return Math.abs(sum / scale - 1) <= SUM_TOLERANCE;
}

/** Whether a weight stands where no expert was selected. */
export function isWeightOfNone(expert: number, weight: number): boolean {
  return expert < 0 && weight !== 0 && !Number.isNaN(weight);
}

/** The first token that contradicts the layer's card, and how. */
interface Contradiction {
  token: number;
  what: string;
}

/** @returns undefined if no token contradicts its logits or its other weights, or nothing can be said */
export function contradictedToken(
  layer: RoutingLayer,
  card: MoELayerCard
): Contradiction | undefined {
  return layer.logits.length === 0
    ? wrongSum(layer, card)
    : contradictsLogits(layer, card);
}

/** Without logits, weights that are divided by their sum still tell whether they are. */
function wrongSum(
  { topK, selected, weights }: RoutingLayer,
  card: MoELayerCard
): Contradiction | undefined {
  const { renormalized, scale = 1, outputScale = 1, epsilon = 0 } = card;
  if (
    !renormalized ||
    card.renormalizedKept ||
    card.sharedScores !== undefined ||
    card.expertScale ||
    card.sparsemixer ||
    card.capacity !== undefined ||
    epsilon > MAX_EPSILON
  ) {
    return undefined;
  }
  for (let first = 0; first < weights.length; first += topK) {
    const own = weights.subarray(first, first + topK);
    const sum = own.reduce((a, b) => a + b, 0);
    const isWhole = selected
      .subarray(first, first + topK)
      .every(expert => expert >= 0);
    if (isWhole && Number.isFinite(sum) && !sumsTo(sum, scale * outputScale)) {
      return {
        token: first / topK,
        what: `the weights sum to ${sum.toPrecision(4)}, but the model's sum to ${scale * outputScale}`
      };
    }
  }
  return undefined;
}

function contradictsLogits(
  layer: RoutingLayer,
  card: MoELayerCard
): Contradiction | undefined {
  const { experts, topK, logits, logitsAre, selected, weights } = layer;
  // Capacity depends on the order of tokens in the model's batch.
  if (card.capacity !== undefined) {
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
        weights.length === 0 ||
        weight === 0 ||
        // What they are divided by is not in the file: only NaN is known to be wrong.
        ((card.renormalizedKept || card.sharedScores !== undefined) &&
          !Number.isNaN(weight))
      ) {
        continue;
      }
      const isNear =
        Math.abs(weight - want) <=
        WEIGHT_TOLERANCE * Math.max(1, Math.abs(want));
      if (!isNear && Number.isFinite(want)) {
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
