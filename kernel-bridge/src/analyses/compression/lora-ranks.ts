/** Where low-rank adapters are worth their parameters, by what routing sends through each expert. */
import { sum } from '../../measures/vectors';

/**
 * Ranks of LoRA adapters, one an expert. A heuristic, whose effect is not measured: a budget of `mean` times the
 * experts with a share is given out in proportion to what each adds to its layer. That a budget of ranks should follow
 * importance is AdaLoRA's idea (arXiv 2303.10512); that an expert's importance to a task is seen in its gates, ESFT's
 * (arXiv 2407.01906). The output's norm beside the gate is REAP's. Rounded by largest remainders, so that the ranks
 * add up to the budget.
 *
 * @param given [E], shares, not negative: sum over tokens of gate times output norm; 0 of experts that go. What is not
 * finite counts as 0.
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
