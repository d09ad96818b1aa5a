/**
 * The faithfulness curve of MIB's circuit track, and its two areas (Mueller et al. 2025, arXiv:2504.13151, section 3):
 * trapezoids over circuits of ten sizes, from 0.1 % of all edges to all.
 */

/** Shares of all edges. A size is rounded down, so small graphs begin with empty circuits. */
export const FRACTIONS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1
] as const;

export function fractionSizes(total: number): number[] {
  return FRACTIONS.map(fraction => Math.floor(fraction * total));
}

/** CPR: the area under the curve. */
export function performanceRatio(faithfulness: readonly number[]): number {
  return area(faithfulness);
}

/** CMD: the area between the curve and 1. */
export function modelDistance(faithfulness: readonly number[]): number {
  return area(faithfulness.map(value => Math.abs(1 - value)));
}

function area(heights: readonly number[]): number {
  let sum = 0;
  for (let i = 1; i < FRACTIONS.length; i++) {
    sum +=
      ((FRACTIONS[i] - FRACTIONS[i - 1]) * (heights[i] + heights[i - 1])) / 2;
  }
  return sum;
}
