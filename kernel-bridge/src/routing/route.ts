/** Computes experts and weights from logits by a convention: for graphs that do not expose them, and to verify captures. */
import { applyScore } from '../base/statistics/scores';
import type { Convention, Groups } from './convention';
import { groupScores } from './group-scores';

export interface Routed {
  /** [tokens, topK] */
  selected: Int32Array;
  /** [tokens, topK] */
  weights: Float32Array;
}

/**
 * Routes tokens by a convention, except for capacity, which depends on the order of tokens in the model's batch.
 *
 * @param logits [tokens, experts], row-major; or probabilities when `logitsAre` says so
 * @param isMasked whether an edit keeps an expert from being selected; its logit is masked too. Default none.
 */
export function route(
  logits: Float32Array,
  experts: number,
  topK: number,
  convention: Convention,
  logitsAre: 'logits' | 'probabilities' = 'logits',
  isMasked?: (token: number, expert: number) => boolean
): Routed {
  const tokens = logits.length / experts;
  const selected = new Int32Array(tokens * topK);
  const weights = new Float32Array(tokens * topK);
  for (let t = 0; t < tokens; t++) {
    const row = logits.subarray(t * experts, (t + 1) * experts);
    const masked = isMasked && ((expert: number) => isMasked(t, expert));
    const chosen = routeToken(row, topK, convention, logitsAre, { masked });
    selected.set(chosen.experts, t * topK);
    weights.set(chosen.weights, t * topK);
  }
  return { selected, weights };
}

export interface RoutedToken {
  /** [topK] */
  experts: number[];
  weights: Float32Array;
  /** The scores that the weights are computed from. */
  scores: Float32Array;
}

export interface ChoiceOptions {
  /** [experts], added to what is chosen from, and to no weight. Default nothing. */
  favour?: Float32Array;
  /** True for an expert that cannot be chosen. Default none. */
  masked?: (expert: number) => boolean;
  /** The token's logits of shared experts that are scored with the chosen. */
  shared?: Float32Array;
}

/** Routes one token. */
export function routeToken(
  row: Float32Array,
  topK: number,
  convention: Convention,
  logitsAre: 'logits' | 'probabilities',
  options: ChoiceOptions = {}
): RoutedToken {
  return convention.sparsemixer
    ? sparsemixer(row, topK, convention.sparsemixer.threshold, options.favour)
    : chooseTopK(row, topK, convention, logitsAre, options);
}

/** [experts]: what the best k are chosen from, without groups. In float32, as graphs add a bias, so that ties are theirs. */
export function choiceValues(
  row: Float32Array,
  { score, scoreBeforeTopK, selectionBias }: Convention,
  logitsAre: 'logits' | 'probabilities'
): { scores: Float32Array; choice: Float32Array } {
  const scores =
    logitsAre === 'logits' && scoreBeforeTopK ? applyScore(row, score) : row;
  const choice = new Float32Array(scores);
  if (selectionBias) {
    for (let e = 0; e < choice.length; e++) {
      choice[e] += selectionBias[e];
    }
  }
  return { scores, choice };
}

function chooseTopK(
  row: Float32Array,
  topK: number,
  convention: Convention,
  are: 'logits' | 'probabilities',
  { favour, masked: isMasked, shared }: ChoiceOptions = {}
): RoutedToken {
  const {
    score,
    scoreBeforeTopK,
    equalWeights,
    groups,
    renormalized,
    epsilon = 0,
    scale = 1,
    outputScale = 1,
    expertScale,
    tiesToLast
  } = convention;
  const { scores, choice } = choiceValues(row, convention, are);
  favour?.forEach((value, e) => (choice[e] += value));
  if (groups) {
    const best = groupScores(choice, groups, isMasked);
    const kept = new Set(largest(best, groups.selected));
    const { fill = -Infinity } = groups;
    for (let e = 0; e < choice.length; e++) {
      if (!kept.has(groupOf(e, row.length, groups))) {
        choice[e] = fill + (favour?.[e] ?? 0);
      }
    }
  }
  if (isMasked) {
    for (let e = 0; e < choice.length; e++) {
      if (isMasked(e)) {
        choice[e] = -Infinity;
      }
    }
  }
  const experts = largest(choice, topK, tiesToLast);
  let own = new Float32Array(topK);
  for (let slot = 0; slot < topK; slot++) {
    own[slot] = scores[experts[slot]];
  }
  if (!scoreBeforeTopK && are === 'logits') {
    own = shared
      ? applyScore(Float32Array.of(...own, ...shared), score).subarray(0, topK)
      : applyScore(own, score);
  }
  let weights = equalWeights ? own.map(() => 1 / topK) : own;
  if (renormalized) {
    const sum =
      weights.reduce((a, b) => a + b, 0) +
      sharedSum(shared, convention) +
      epsilon;
    weights = weights.map(w => w / sum);
  }
  return {
    experts,
    scores: own,
    weights: weights.map(
      (w, i) => w * scale * outputScale * (expertScale?.[experts[i]] ?? 1)
    )
  };
}

/** What shared experts add to the sum that weights are divided by. */
export function sharedSum(
  shared: Float32Array | undefined,
  { score }: Pick<Convention, 'score'>
): number {
  return shared && score === 'sigmoid'
    ? applyScore(shared, score).reduce((a, b) => a + b, 0)
    : 0;
}

/** Indices of the k largest values, largest first. Ties go to the lower index, as in ONNX's TopK, or to the higher one. */
function largest(
  values: ArrayLike<number>,
  k: number,
  tiesToLast = false
): number[] {
  const chosen: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const before = (other: number): boolean =>
      value > values[other] || (tiesToLast && value === values[other]);
    if (chosen.length === k && !before(chosen[k - 1])) {
      continue;
    }
    let at = Math.min(chosen.length, k - 1);
    for (; at > 0 && before(chosen[at - 1]); at--) {
      chosen[at] = chosen[at - 1];
    }
    chosen[at] = i;
  }
  return chosen;
}

/** The group of an expert, in DeepSeek's group limit (arXiv 2405.04434, 2412.19437). */
function groupOf(expert: number, experts: number, { count }: Groups): number {
  return Math.floor((expert * count) / experts);
}

/** SparseMixer's inference rule (arXiv 2310.00811; Phi-3.5-MoE): a softmax over its near-ties weights each pick. */
function sparsemixer(
  row: Float32Array,
  topK: number,
  threshold: number,
  favour?: Float32Array
): RoutedToken {
  const experts: number[] = [];
  const weights: number[] = [];
  const masked = Float32Array.from(row);
  for (let pick = 0; pick < topK; pick++) {
    const [best] = largest(
      favour ? masked.map((value, e) => value + favour[e]) : masked,
      1
    );
    const peak = masked[best];
    const eligible = masked.map((value, e) => {
      const factor = Math.max(Math.abs(row[e]), peak);
      return (peak - row[e]) / factor > threshold ? -Infinity : value;
    });
    weights.push(applyScore(eligible, 'softmax')[best]);
    experts.push(best);
    masked[best] = -Infinity;
  }
  return {
    experts,
    weights: Float32Array.from(weights),
    scores: Float32Array.from(weights)
  };
}
