/** How well first-order effects tell measured ones. */
import type { CircuitCorrelation } from '../../base/protocol';

export function correlation(
  pairs: readonly (readonly [foretold: number, measured: number])[]
): CircuitCorrelation {
  const columns = [0, 1].map(column =>
    Float64Array.from(pairs, pair => pair[column])
  );
  const told = pairs.filter(([a, b]) => a !== 0 || b !== 0);
  return {
    pearson: pearson(columns[0], columns[1]),
    spearman: pearson(ranks(columns[0]), ranks(columns[1])),
    sameSign:
      told.length === 0
        ? null
        : told.filter(([a, b]) => Math.sign(a) === Math.sign(b)).length /
          told.length,
    n: pairs.length
  };
}

function pearson(a: Float64Array, b: Float64Array): number | null {
  const mean = (values: Float64Array): number =>
    values.reduce((sum, x) => sum + x, 0) / values.length;
  const [centreA, centreB] = [mean(a), mean(b)];
  let [both, ofA, ofB] = [0, 0, 0];
  a.forEach((x, i) => {
    both += (x - centreA) * (b[i] - centreB);
    ofA += (x - centreA) ** 2;
    ofB += (b[i] - centreB) ** 2;
  });
  const found = both / Math.sqrt(ofA * ofB);
  return Number.isFinite(found) ? Math.min(1, Math.max(-1, found)) : null;
}

/** Ranks from 1 on; equal values share the mean of theirs. */
function ranks(values: Float64Array): Float64Array {
  const order = [...values.keys()].sort((i, j) => values[i] - values[j]);
  const found = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) {
      end++;
    }
    for (let i = start; i < end; i++) {
      found[order[i]] = (start + 1 + end) / 2;
    }
    start = end;
  }
  return found;
}
