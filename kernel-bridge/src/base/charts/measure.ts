/** Values of a layer's heatmap. */
import type { Measure, RoutingLayer } from '../protocol';
import { applyScore } from '../statistics/scores';

/**
 * Values of all experts for each token, [tokens, experts], row-major.
 *
 * `weight`: the multiplier of the selected experts, 1 if weights were not recorded; NaN for the others, which have no
 * weight (not a weight of 0).
 * `probability`: softmax or sigmoid of the router's logits by the layer's convention; NaN if logits were omitted.
 */
export function denseValues(
  layer: RoutingLayer,
  measure: Measure
): Float32Array {
  return measure === 'weight' ? denseWeights(layer) : probabilities(layer);
}

function denseWeights({
  selected,
  weights,
  experts,
  topK
}: RoutingLayer): Float32Array {
  const tokens = topK === 0 ? 0 : selected.length / topK;
  const values = new Float32Array(tokens * experts).fill(NaN);
  selected.forEach((expert, slot) => {
    if (expert >= 0) {
      values[Math.floor(slot / topK) * experts + expert] =
        weights.length > 0 ? weights[slot] : 1;
    }
  });
  return values;
}

/** Router probabilities, [tokens, experts]; NaN if logits were omitted. */
export function probabilities(layer: RoutingLayer): Float32Array {
  const { logits, experts, topK, selected } = layer;
  if (logits.length === 0) {
    return new Float32Array(
      (selected.length / Math.max(topK, 1)) * experts
    ).fill(NaN);
  }
  if (layer.logitsAre === 'probabilities') {
    return logits;
  }
  if (layer.score === 'sigmoid') {
    return applyScore(logits, 'sigmoid');
  }
  const values = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += experts) {
    const end = start + experts;
    applyScore(
      logits.subarray(start, end),
      'softmax',
      values.subarray(start, end)
    );
  }
  return values;
}

/** Selections per expert, [experts]; they sum to k × tokens minus dropped slots. */
export function expertCounts(layer: RoutingLayer): Int32Array {
  const counts = new Int32Array(layer.experts);
  for (const expert of layer.selected) {
    if (expert >= 0) {
      counts[expert]++;
    }
  }
  return counts;
}
