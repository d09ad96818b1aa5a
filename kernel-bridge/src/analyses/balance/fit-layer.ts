/** Fits the biases of one router to its recorded logits. */
import {
  fitBias,
  jainIndex,
  selectionsWith,
  type BiasProblem,
  type FittedBias
} from '../../measures';
import type { Convention } from '../../routing/convention';
import { choiceValues, routeToken } from '../../routing/route';
import type { LogitSample } from './logit-sample';

/** Jain index of tokens that a fit did not see, without and with its biases: the mean of both halves. */
export interface UnseenFit {
  before: number;
  after: number;
}

/**
 * Where a bias is added: to what experts are selected by, so that no weight changes but by another selection; or to the
 * logits, which weights are computed from too.
 */
export type BiasPlace = 'selection' | 'logits';

export interface BiasedRouter {
  experts: number;
  topK: number;
  convention: Convention;
  logitsAre: 'logits' | 'probabilities';
  place: BiasPlace;
}

/** @returns undefined where no bias makes the load more even */
export function fitLayer(
  router: BiasedRouter,
  { rows }: Pick<LogitSample, 'rows'>
): FittedBias | undefined {
  const fitted = fitBias(problemOf(router, rows));
  return fitted.bias.some(value => value !== 0) ? fitted : undefined;
}

/** A trial says whether biases help, and need not end at the best. */
const TRIAL_STEPS = 40;

/** [E]: the load that biases give the tokens of a sample. */
export function loadWith(
  router: BiasedRouter,
  { rows }: Pick<LogitSample, 'rows'>,
  bias: Float32Array
): Float64Array {
  return selectionsWith(problemOf(router, rows), bias);
}

/**
 * Fits biases to one half of the prompts and predicts the load of the other, both ways: a layer that is nearly even is off
 * balance by chance, and biases that are fitted to chance make other text less even.
 *
 * @returns undefined where a half has no tokens
 */
export function fitUnseen(
  router: BiasedRouter,
  sample: LogitSample
): UnseenFit | undefined {
  const [first, second] = sample.halves();
  if (first.length === 0 || second.length === 0) {
    return undefined;
  }
  const none = new Float32Array(router.experts);
  const tried = [
    { fitted: first, other: second },
    { fitted: second, other: first }
  ].map(({ fitted, other }) => {
    const { bias } = fitBias(problemOf(router, fitted), TRIAL_STEPS);
    return [none, bias].map(own =>
      jainIndex(selectionsWith(problemOf(router, other), own))
    );
  });
  const mean = (which: 0 | 1): number =>
    (tried[0][which] + tried[1][which]) / 2;
  return { before: mean(0), after: mean(1) };
}

function problemOf(
  router: BiasedRouter,
  rows: readonly Float32Array[]
): BiasProblem {
  const { experts, topK, convention, logitsAre, place } = router;
  const common = {
    experts,
    tokens: rows.length,
    scale: spreadOf(router, rows)
  };
  if (place === 'selection' && !convention.groups && !convention.sparsemixer) {
    // What is compared does not change with the biases, so it is scored once.
    const compared = rows.map(
      row => choiceValues(row, convention, logitsAre).choice
    );
    const chosen = new Int32Array(topK);
    const values = new Float64Array(topK);
    return {
      ...common,
      choose(t, bias) {
        selectLargest(compared[t], bias, chosen, values);
        return chosen;
      }
    };
  }
  return {
    ...common,
    choose: (t, bias) =>
      place === 'selection'
        ? routeToken(rows[t], topK, convention, logitsAre, { favour: bias })
            .experts
        : routeToken(
            rows[t].map((value, e) => value + bias[e]),
            topK,
            convention,
            logitsAre
          ).experts
  };
}

/** The largest sums of scores and biases; of equal ones the first. Without allocations, since each step runs it for each token. */
function selectLargest(
  scores: Float32Array,
  bias: Float32Array,
  chosen: Int32Array,
  values: Float64Array
): void {
  const last = chosen.length - 1;
  values.fill(-Infinity);
  for (let e = 0; e < scores.length; e++) {
    const value = Math.fround(scores[e] + bias[e]);
    if (value > values[last]) {
      let at = last;
      for (; at > 0 && value > values[at - 1]; at--) {
        values[at] = values[at - 1];
        chosen[at] = chosen[at - 1];
      }
      values[at] = value;
      chosen[at] = e;
    }
  }
}

/** What is said of a layer whose biases do not help; undefined where they do. */
export function noteOnUnseen(
  unseen: UnseenFit | undefined
): string | undefined {
  return unseen === undefined
    ? 'there are too few tokens to try biases on others than those that they are fitted to'
    : unseen.after > unseen.before
      ? undefined
      : `biases would not make it more even on prompts that they were not fitted to: Jain ${unseen.before.toFixed(3)} -> ${unseen.after.toFixed(3)} there`;
}

/** Root mean square of the distance of what experts are selected by from its mean. */
function spreadOf(
  { convention, logitsAre, place }: BiasedRouter,
  rows: readonly Float32Array[]
): number {
  let squares = 0;
  let count = 0;
  for (const row of rows) {
    const values =
      place === 'logits'
        ? row
        : choiceValues(row, convention, logitsAre).choice;
    const mean = values.reduce((total, v) => total + v, 0) / values.length;
    values.forEach(value => (squares += (value - mean) ** 2));
    count += values.length;
  }
  return count === 0 ? 0 : Math.sqrt(squares / count);
}
