import type { LayerMetric } from '../../src/measures/layer-metrics';

/** Gini coefficient of the loads: sum over i, j of |c_i - c_j| / (2 E sum c), 0 at balance (Gini 1912). */
export function giniCoefficient(counts: ArrayLike<number>): number {
  const sorted = Float64Array.from(counts).sort();
  const n = sorted.length;
  const weighted = sorted.reduce((sum, c, i) => sum + (2 * i + 1 - n) * c, 0);
  return weighted / (n * sorted.reduce((a, b) => a + b, 0));
}

/** The row of LAYER_METRICS, under the name that documents give it. */
export const gini: LayerMetric = {
  title: 'Gini coefficient',
  unit: '',
  formula: 'sum over i, j of |c_i - c_j| / (2 E sum c)',
  source: 'Gini 1912',
  needs: ['ids'],
  range: [0, 1],
  better: 'low',
  compute: ({ counts }) => giniCoefficient(counts)
};
