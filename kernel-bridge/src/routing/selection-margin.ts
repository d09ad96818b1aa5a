/** Selection margin: how close a router was to another choice, from its last chosen and first rejected expert. */
import type { RoutingLayer } from '../base/protocol';
import { MASKED_LOGIT } from './adjustment';
import type { Convention } from './convention';
import { groupScores } from './group-scores';
import { applyScore } from '../base/statistics/scores';

/**
 * The unit of margins: logits where the choice follows their order, which softmax and sigmoid keep; scores where a
 * selection bias, or groups ranked by a sum of scores, change the order.
 */
export type MarginScale = 'logits' | 'scores';

export function marginScale(
  { logitsAre }: Pick<RoutingLayer, 'logitsAre'>,
  convention: Convention | undefined
): MarginScale {
  return logitsAre === 'probabilities' ||
    convention?.selectionBias ||
    convention?.groups?.score === 'top2-sum'
    ? 'scores'
    : 'logits';
}

/**
 * The k-th minus the (k+1)-th largest value of a token, in the layer's scale. With groups the smaller of two margins:
 * between experts of the eligible groups, and between the last eligible and the first rejected group. NaN when no
 * expert is rejected, or a value is not finite.
 *
 * @param row [experts] logits, or probabilities where the layer has no logits; after edits
 * @param convention undefined when unknown: the choice is assumed to follow the order of `row`
 */
export function selectionMargin(
  row: Float32Array,
  topK: number,
  logitsAre: RoutingLayer['logitsAre'],
  convention?: Convention
): number {
  const scores =
    logitsAre === 'logits' &&
    marginScale({ logitsAre }, convention) === 'scores'
      ? applyScore(row, convention!.score)
      : row;
  const isMasked = (expert: number): boolean => row[expert] <= MASKED_LOGIT / 2;
  const all: number[] = [];
  for (let e = 0; e < row.length; e++) {
    if (Number.isNaN(row[e]) || Math.abs(row[e]) === Infinity) {
      return NaN;
    }
    all.push(scores[e] + (convention?.selectionBias?.[e] ?? 0));
  }
  const values = all.map((value, e) => (isMasked(e) ? -Infinity : value));
  const groups = convention?.groups;
  if (!groups) {
    return gap(values, topK);
  }
  const size = values.length / groups.count;
  if (!Number.isInteger(size)) {
    return NaN;
  }
  const byGroup = groupScores(all, groups, isMasked);
  const order = byGroup
    .map((_, g) => g)
    .sort((g, h) => byGroup[h] - byGroup[g] || g - h);
  const kept = new Set(order.slice(0, groups.selected));
  const { fill = -Infinity } = groups;
  const within = gap(
    values.map((value, e) =>
      kept.has(Math.floor(e / size)) || isMasked(e) ? value : fill
    ),
    topK
  );
  const between = gap(byGroup, groups.selected);
  return Number.isNaN(within)
    ? between
    : Number.isNaN(between)
      ? within
      : Math.min(within, between);
}

/** NaN when fewer than `taken + 1` values can be chosen from. */
function gap(values: readonly number[], taken: number): number {
  const sorted = values
    .filter(value => value !== -Infinity)
    .sort((x, y) => y - x);
  return sorted.length > taken && taken > 0
    ? sorted[taken - 1] - sorted[taken]
    : NaN;
}
