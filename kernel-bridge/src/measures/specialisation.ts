/** What experts specialise in, as OLMoE measures it (arXiv 2409.02060, section 4). */

/**
 * Router saturation: mean over tokens of |E_t and E_final| / k, the share of a checkpoint's experts that the final
 * model also selects.
 *
 * @param selected [tokens, k] at a checkpoint
 * @param final [tokens, k] of the final model, the same tokens
 */
export function routerSaturation(
  selected: ArrayLike<number>,
  final: ArrayLike<number>,
  topK: number
): number {
  const tokens = final.length / topK;
  let common = 0;
  for (let t = 0; t < tokens; t++) {
    const chosen = new Set<number>();
    for (let i = t * topK; i < (t + 1) * topK; i++) {
      chosen.add(final[i]);
    }
    for (let i = t * topK; i < (t + 1) * topK; i++) {
      common += chosen.has(selected[i]) ? 1 : 0;
    }
  }
  return common / (tokens * topK);
}

/** Token rate that balance would give each expert: k / E, the line that domain specialisation is drawn against. */
export function uniformTokenRate(experts: number, topK: number): number {
  return topK / experts;
}

/** Selections that balance would give each expert: k T / E. */
export function balancedLoad(
  tokens: number,
  experts: number,
  topK: number
): number {
  return tokens * uniformTokenRate(experts, topK);
}

/** What part of an expert's selections is by tokens of a class. */
export function slotShareOfExpert(ofClass: number, selections: number): number {
  return ofClass / selections;
}

/** What part of the tokens of a class selects an expert. */
export function classTokenRate(ofClass: number, tokens: number): number {
  return ofClass / tokens;
}

/** How many times the rate of other tokens that of a class is. */
export function rateRatio(ofClass: number, ofOthers: number): number {
  return ofClass / ofOthers;
}

/** How many times its share of all tokens a class has of an expert's selections. */
export function lift(
  slotShareOfExpert: number,
  tokenShareOfClass: number
): number {
  return slotShareOfExpert / tokenShareOfClass;
}

/** Ids seen less often say nothing (OLMoE). */
export const MIN_SEEN = 10;

export interface VocabularySpecialisation {
  /** [E]: mean share over the ids that an expert takes more of than any other does; NaN without such an id. */
  byExpert: Float64Array;
  /** Mean over ids of the largest share. */
  mean: number;
  /** Ids seen often enough. */
  ids: number;
}

/**
 * Vocabulary specialisation: for each token id the share of its selections that each expert has; the largest counts for
 * the expert that has it.
 *
 * @param rows for each id [E], selections
 * @param seen for each id, its tokens
 */
export function vocabularySpecialisation(
  rows: readonly ArrayLike<number>[],
  seen: readonly number[],
  experts: number,
  minSeen = MIN_SEEN
): VocabularySpecialisation {
  const sums = new Float64Array(experts);
  const ids = new Float64Array(experts);
  rows.forEach((row, id) => {
    let total = 0;
    let best = 0;
    for (let e = 0; e < experts; e++) {
      total += row[e];
      best = row[e] > row[best] ? e : best;
    }
    if (seen[id] >= minSeen && total > 0) {
      sums[best] += row[best] / total;
      ids[best]++;
    }
  });
  const count = ids.reduce((a, b) => a + b, 0);
  return {
    byExpert: sums.map((share, e) => share / ids[e]),
    mean: sums.reduce((a, b) => a + b, 0) / count,
    ids: count
  };
}
