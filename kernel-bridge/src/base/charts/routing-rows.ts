/** Selections of a layer as rows of a chart's data, with the scales that its charts share. */
import { tokensOf, type RoutingLayer, type RoutingSample } from '../protocol';
import { probabilities } from './measure';

/** One selection: the expert at `rank` (1 has the largest weight) for a token. */
export interface RoutingRow {
  /** Index into the sample's tokens. */
  token: number;
  text: string;
  expert: number;
  /** Null if it is not finite, or was not recorded. */
  weight: number | null;
  /** Absent if logits were omitted. */
  probability?: number | null;
  rank: number;
}

/** Rows of a layer's first `limit` tokens. Values are rounded to four decimals: they are for display. */
export function routingRows(
  layer: RoutingLayer,
  texts: readonly string[],
  limit: number
): RoutingRow[] {
  const { topK, experts, selected, weights } = layer;
  const router = layer.logits.length > 0 ? probabilities(layer) : undefined;
  const rows: RoutingRow[] = [];
  for (let token = 0; token < Math.min(texts.length, limit); token++) {
    const start = token * topK;
    for (let slot = start; slot < start + topK; slot++) {
      const expert = selected[slot];
      if (expert < 0) {
        continue;
      }
      const row: RoutingRow = {
        token,
        text: texts[token],
        expert,
        weight: round(weights[slot] ?? NaN),
        rank: rankOf(weights.subarray(start, start + topK), slot - start)
      };
      if (router) {
        row.probability = round(router[token * experts + expert]);
      }
      rows.push(row);
    }
  }
  return rows;
}

/** Rank by weight, 1 for the largest; by slot order for ties, and for weights that were not recorded. */
export function rankOf(weights: Float32Array, slot: number): number {
  if (weights.length === 0) {
    return slot + 1;
  }
  let rank = 1;
  weights.forEach((weight, other) => {
    if (weight > weights[slot] || (weight === weights[slot] && other < slot)) {
      rank++;
    }
  });
  return rank;
}

/** Whether any layer of the samples has weights. */
export function hasWeights(samples: readonly RoutingSample[]): boolean {
  return samples.some(({ layers }) =>
    layers.some(({ weights }) => weights.length > 0)
  );
}

/** Upper end of a colour scale for all layers of the samples, so that colours are comparable. */
export function weightCeiling(samples: readonly RoutingSample[]): number {
  let peak = 0;
  for (const sample of samples) {
    for (const layer of sample.layers) {
      for (const weight of layer.weights) {
        if (weight > peak && weight < Infinity) {
          peak = weight;
        }
      }
    }
  }
  return ceiling(peak);
}

/** The smallest of 0.1, 0.2, ..., 1, 2, ..., 10, ... that is at least `peak`. */
export function ceiling(peak: number): number {
  if (!(peak > 0)) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(peak));
  // Weights that sum to 1 may exceed it by rounding.
  return Number((Math.ceil(peak / power - 1e-4) * power).toPrecision(6));
}

/** The largest number of tokens that a layer of the sample routed. */
export function longestRun(sample: RoutingSample): number {
  return Math.max(
    0,
    ...sample.layers.map(layer => tokensOf(sample, layer).length)
  );
}

function round(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1e4) / 1e4 : null;
}
