/** How close a router was to another choice: the last expert taken against the first one left out. */
import type { RoutingLayer } from '../base/protocol';
import { AWAY } from './adjustment';
import type { Convention } from './convention';
import { applyScore } from './route';

/**
 * What margins are measured in. Softmax and sigmoid keep the order of logits, so these are taken where the choice
 * follows them; scores where a bias for choosing, or groups ranked by a sum of scores, make another order.
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
 * The k-th minus the (k+1)-th value that one token was chosen by, in the layer's scale; with groups the smaller of
 * that and of the same difference between the last group kept and the first one left out. NaN where nothing was left
 * out, or the values are not finite.
 *
 * @param row [experts] logits, or probabilities where the layer has nothing else, after edits
 * @param convention undefined where it is not known: the order of the row is taken for the choice
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
  const values: number[] = [];
  for (let e = 0; e < row.length; e++) {
    if (Number.isNaN(row[e]) || Math.abs(row[e]) === Infinity) {
      return NaN;
    }
    values.push(
      row[e] <= AWAY / 2
        ? -Infinity
        : scores[e] + (convention?.selectionBias?.[e] ?? 0)
    );
  }
  const groups = convention?.groups;
  if (!groups) {
    return gap(values, topK);
  }
  const size = values.length / groups.count;
  if (!Number.isInteger(size)) {
    return NaN;
  }
  const byGroup = Array.from({ length: groups.count }, (_, g) => {
    const members = values
      .slice(g * size, (g + 1) * size)
      .sort((x, y) => y - x);
    return groups.score === 'max' ? members[0] : members[0] + members[1];
  });
  const order = byGroup
    .map((_, g) => g)
    .sort((g, h) => byGroup[h] - byGroup[g] || g - h);
  const kept = new Set(order.slice(0, groups.selected));
  const within = gap(
    values.filter((_, e) => kept.has(Math.floor(e / size))),
    topK
  );
  const between = gap(byGroup, groups.selected);
  return Number.isNaN(within)
    ? between
    : Number.isNaN(between)
      ? within
      : Math.min(within, between);
}

/** NaN where fewer than `taken + 1` can be chosen. */
function gap(values: readonly number[], taken: number): number {
  const sorted = values
    .filter(value => value !== -Infinity)
    .sort((x, y) => y - x);
  return sorted.length > taken && taken > 0
    ? sorted[taken - 1] - sorted[taken]
    : NaN;
}
