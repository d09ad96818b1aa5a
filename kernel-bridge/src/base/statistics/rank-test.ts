import { upperNormalTail } from './normal';
import { midRanks } from './ranks';

/** Above this many units, or cells of the table of sums, the normal approximation is as good as exact. */
const EXACT_UNITS = 400;
const EXACT_CELLS = 5e7;

/**
 * Rank-sum test (Wilcoxon 1945, Mann and Whitney 1947), one-sided: how likely units with a label would have ranks as high
 * as theirs if labels were dealt at random among units. The permutation distribution itself, ties included, where it can
 * be counted; its normal approximation with tie and continuity corrections otherwise.
 *
 * @param values one a unit
 * @param labelled one a unit
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
  // Twice the ranks are whole numbers, ties included.
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
  // ways[n][s] / C(i, n): kept as probabilities, unit by unit, so that nothing overflows.
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
