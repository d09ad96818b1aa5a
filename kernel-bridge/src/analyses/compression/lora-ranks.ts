/** Suggests ranks of low-rank adapters per expert, from routing. */
import { sum } from '../../measures/vectors';

/**
 * Ranks of LoRA adapters, one per expert. A heuristic whose effect is not measured: a budget of `mean` ranks per remaining
 * expert is distributed in proportion to what each adds to its layer. Distributing ranks by importance follows AdaLoRA
 * (arXiv 2303.10512); measuring an expert's importance by its gates follows ESFT (arXiv 2407.01906); multiplying by the
 * output norm follows REAP. Rounded by the largest-remainder method, so that the ranks sum to the budget.
 *
 * @param given [E], non-negative shares: sum over tokens of gate times output norm; 0 for removed experts. Values that
 * are not finite count as 0.
 * @returns [E]
 */
export function loraRanks(given: ArrayLike<number>, mean: number): number[] {
  const shares = Array.from(given, share =>
    Number.isFinite(share) ? share : 0
  );
  const total = sum(shares);
  if (total === 0) {
    return Array<number>(shares.length).fill(0);
  }
  const used = shares.filter(share => share > 0).length;
  const budget = mean * used;
  const exact = shares.map(share => (share / total) * budget);
  const ranks = exact.map(Math.floor);
  const rest = budget - sum(ranks);
  exact
    .map((rank, expert) => ({ expert, remainder: rank - ranks[expert] }))
    .sort((a, b) => b.remainder - a.remainder || a.expert - b.expert)
    .slice(0, rest)
    .forEach(({ expert }) => ranks[expert]++);
  return ranks;
}
