import { mean } from './summary';
import { midRanks } from './ranks';

/** Pearson's correlation coefficient; null for constant or empty columns. */
export function pearson(
  a: ArrayLike<number>,
  b: ArrayLike<number>
): number | null {
  const [centreA, centreB] = [mean(a), mean(b)];
  let [both, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    both += (a[i] - centreA) * (b[i] - centreB);
    ofA += (a[i] - centreA) ** 2;
    ofB += (b[i] - centreB) ** 2;
  }
  const found = both / Math.sqrt(ofA * ofB);
  // Rounding may exceed the range.
  return Number.isFinite(found) ? Math.min(1, Math.max(-1, found)) : null;
}

/** Spearman's rank correlation. */
export function spearman(
  a: ArrayLike<number>,
  b: ArrayLike<number>
): number | null {
  return pearson(midRanks(a).ranks, midRanks(b).ranks);
}
