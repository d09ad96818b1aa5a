/** The scores of expert groups, by which group-limited routers choose groups. */
import type { Groups } from './convention';

/**
 * A group of which every expert is masked scores -Infinity, so that others are chosen. Otherwise a masked expert counts
 * by its score of 0 and its selection bias, as in a model whose router gives it a logit of -Infinity.
 *
 * @param scores what experts are chosen by
 * @returns one score a group
 */
export function groupScores(
  scores: ArrayLike<number>,
  { count, score }: Groups,
  isMasked?: (expert: number) => boolean
): number[] {
  const size = scores.length / count;
  return Array.from({ length: count }, (_, group) => {
    let best = -Infinity;
    let second = -Infinity;
    let left = 0;
    for (let e = group * size; e < (group + 1) * size; e++) {
      left += isMasked?.(e) ? 0 : 1;
      if (scores[e] > best) {
        second = best;
        best = scores[e];
      } else if (scores[e] > second) {
        second = scores[e];
      }
    }
    return left === 0
      ? -Infinity
      : score === 'max' || size === 1
        ? best
        : best + second;
  });
}
