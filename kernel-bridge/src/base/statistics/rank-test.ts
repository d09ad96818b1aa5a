import { upperNormalTail } from './normal';
import { midRanks } from './ranks';

/** Above this many units, or cells of the table of sums, the normal approximation is as good as the exact test. */
const EXACT_UNITS = 400;
const EXACT_CELLS = 5e7;

/**
 * Rank-sum test (Wilcoxon 1945, Mann and Whitney 1947), one-sided: the probability that labelled units have ranks at least
 * as high if labels are permuted over units. Exact permutation distribution, ties included, where counting is feasible;
 * otherwise its normal approximation with tie and continuity corrections.
 *
 * @param values one per unit
 * @param labelled one per unit
 * @returns p; 1 when all units or none have the label
 */
export function rankSumTest(
  values: ArrayLike<number>,
  labelled: ArrayLike<unknown>
): number {
  const total = values.length;
  let chosen = 0;
  for (let i = 0; i < total; i++) {
    chosen += labelled[i] ? 1 : 0;
  }
  if (chosen === 0 || chosen === total) {
    return 1;
  }
  const { ranks, ties } = midRanks(values);
  // Doubled ranks are integers, ties included.
  const doubled = Int32Array.from(ranks, rank => 2 * rank);
  let observed = 0;
  for (let i = 0; i < total; i++) {
    observed += labelled[i] ? doubled[i] : 0;
  }
  const cells = total * chosen * 2 * total * chosen;
  return total <= EXACT_UNITS && cells <= EXACT_CELLS
    ? exactTail(doubled, chosen, observed)
    : normalTail(observed / 2, chosen, total, ties);
}

/** P(sum of `chosen` ranks drawn without replacement >= observed), by counting all draws. */
function exactTail(
  ranks: Int32Array,
  chosen: number,
  observed: number
): number {
  const most = [...ranks].sort((a, b) => b - a).slice(0, chosen);
  const width = most.reduce((a, b) => a + b, 0) + 1;
  // ways[n][s] / C(i, n): kept as probabilities so that nothing overflows.
  const ways = Array.from(
    { length: chosen + 1 },
    () => new Float64Array(width)
  );
  ways[0][0] = 1;
  let seen = 0;
  for (const rank of ranks) {
    seen++;
    for (let n = Math.min(chosen, seen); n >= 0; n--) {
      const take = n / seen;
      const here = ways[n];
      const below = ways[n - 1];
      for (let s = width - 1; s >= 0; s--) {
        here[s] =
          (1 - take) * here[s] +
          (n > 0 && s >= rank ? take * below[s - rank] : 0);
      }
    }
  }
  let tail = 0;
  for (let s = observed; s < width; s++) {
    tail += ways[chosen][s];
  }
  return Math.min(1, tail);
}

function normalTail(
  observed: number,
  chosen: number,
  total: number,
  ties: number
): number {
  const mean = (chosen * (total + 1)) / 2;
  const variance =
    ((chosen * (total - chosen)) / 12) *
    (total + 1 - ties / (total * (total - 1)));
  return variance <= 0
    ? 1
    : upperNormalTail((observed - mean - 0.5) / Math.sqrt(variance));
}
