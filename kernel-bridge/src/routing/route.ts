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
    const chosen = convention.sparsemixer
      ? sparsemixer(row, topK, convention.sparsemixer.threshold)
      : chooseTopK(row, topK, convention, logitsAre, masked);
    selected.set(chosen.experts, t * topK);
    weights.set(chosen.weights, t * topK);
  }
  return { selected, weights };
}

function chooseTopK(
  row: Float32Array,
  topK: number,
  convention: Convention,
  are: 'logits' | 'probabilities',
  isMasked: (expert: number) => boolean = () => false
) {
  const {
    score,
    scoreBeforeTopK,
    equalWeights,
    selectionBias,
    groups,
    renormalized,
    epsilon = 0,
    scale = 1,
    expertScale,
    tiesToLast
  } = convention;
  const scores =
    are === 'probabilities'
      ? row
      : scoreBeforeTopK
        ? applyScore(row, score)
        : row;
  const choice = new Float64Array(scores);
  selectionBias?.forEach((bias, e) => (choice[e] += bias));
  const kept =
    groups &&
    new Set(largest(groupScores(choice, groups, isMasked), groups.selected));
  choice.forEach((_, e) => {
    if (isMasked(e) || kept?.has(groupOf(e, row.length, groups!)) === false) {
      choice[e] = -Infinity;
    }
  });
  const experts = largest(choice, topK, tiesToLast);
  let weights = new Float32Array(topK);
  experts.forEach((e, slot) => (weights[slot] = scores[e]));
  if (!scoreBeforeTopK && are === 'logits') {
    weights = applyScore(weights, score);
  }
  if (equalWeights) {
    weights = weights.fill(1 / topK);
  }
  if (renormalized) {
    const sum = weights.reduce((a, b) => a + b, 0) + epsilon;
    weights = weights.map(w => w / sum);
  }
  return {
    experts,
    weights: weights.map((w, i) => w * scale * (expertScale?.[experts[i]] ?? 1))
  };
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

/** DeepSeek's group limit (arXiv 2405.04434, 2412.19437): experts outside the best groups cannot be chosen. */
function groupOf(expert: number, experts: number, { count }: Groups): number {
  return Math.floor((expert * count) / experts);
}

/** SparseMixer's inference rule (arXiv 2310.00811; Phi-3.5-MoE): a softmax over its near-ties weights each pick. */
function sparsemixer(row: Float32Array, topK: number, threshold: number) {
  const experts: number[] = [];
  const weights: number[] = [];
  const masked = Float32Array.from(row);
  for (let pick = 0; pick < topK; pick++) {
    const [best] = largest(masked, 1);
    const peak = masked[best];
    const eligible = masked.map((value, e) => {
      const factor = Math.max(Math.abs(row[e]), peak);
      return (peak - row[e]) / factor > threshold ? -Infinity : value;
    });
    weights.push(applyScore(eligible, 'softmax')[best]);
    experts.push(best);
    masked[best] = -Infinity;
  }
  return { experts, weights };
}
