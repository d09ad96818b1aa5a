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
  const isMasked = (expert: number): boolean => row[expert] <= MASKED;
  const bias = convention?.selectionBias;
  // Plain loops over one array: margins are computed of every token of a trace.
  const values =
    row.length === chosenFrom.length
      ? chosenFrom
      : (chosenFrom = new Float64Array(row.length));
  for (let e = 0; e < row.length; e++) {
    if (!Number.isFinite(row[e])) {
      return NaN;
    }
    values[e] =
      row[e] <= MASKED ? -Infinity : bias ? scores[e] + bias[e] : scores[e];
  }
  const groups = convention?.groups;
  if (!groups) {
    return gap(values, topK);
  }
  const all = Array.from(scores, (score, e) => score + (bias?.[e] ?? 0));
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

/** Logits at most this are of experts that are masked. */
const MASKED = MASKED_LOGIT / 2;

/** What experts are chosen by, of the token in hand; kept as `largest` is. */
let chosenFrom = new Float64Array(0);
/** The largest values so far, in descending order; kept from call to call, since margins are computed of every token. */
let largest = new Float64Array(0);

/** NaN when fewer than `taken + 1` values can be chosen from. */
function gap(values: ArrayLike<number>, taken: number): number {
  if (!(taken > 0)) {
    return NaN;
  }
  if (largest.length !== taken + 1) {
    largest = new Float64Array(taken + 1);
  }
  largest.fill(-Infinity);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value > largest[taken]) {
      let at = taken;
      for (; at > 0 && largest[at - 1] < value; at--) {
        largest[at] = largest[at - 1];
      }
      largest[at] = value;
    }
  }
  return largest[taken] === -Infinity
    ? NaN
    : largest[taken - 1] - largest[taken];
}
