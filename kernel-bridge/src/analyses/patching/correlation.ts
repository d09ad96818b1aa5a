/** Correlation of first-order effects with measured ones. */
import type { CircuitCorrelation } from '../../base/protocol';
import { pearson, spearman } from '../../base/statistics/correlation';

export function correlation(
  pairs: readonly (readonly [foretold: number, measured: number])[]
): CircuitCorrelation {
  const columns = [0, 1].map(column =>
    Float64Array.from(pairs, pair => pair[column])
  );
  const told = pairs.filter(([a, b]) => a !== 0 || b !== 0);
  return {
    pearson: pearson(columns[0], columns[1]),
    spearman: spearman(columns[0], columns[1]),
    sameSign:
      told.length === 0
        ? null
        : told.filter(([a, b]) => Math.sign(a) === Math.sign(b)).length /
          told.length,
    n: pairs.length
  };
}
