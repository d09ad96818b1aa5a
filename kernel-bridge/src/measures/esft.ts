/** Expert scores and selection of expert-specialised fine-tuning (ESFT, arXiv 2407.01906). */

/** Token score c_e / (k T): the slot share over all slots, dropped ones included. [E] */
export function esftTokenScores(
  counts: ArrayLike<number>,
  tokens: number,
  topK: number
): Float64Array {
  return Float64Array.from(counts, count => count / (topK * tokens));
}

/** Gate score sum of gates / T. [E] */
export function esftGateScores(
  gateSum: ArrayLike<number>,
  tokens: number
): Float64Array {
  return Float64Array.from(gateSum, gates => gates / tokens);
}

/**
 * Experts by falling score until their sum reaches p; the sum is looked at before an expert is added, so the last
 * one may go over. ESFT's own program selects from scores rounded to 4 decimals, of equal ones the lower index.
 */
export function esftSelection(scores: ArrayLike<number>, p: number): number[] {
  const order = Array.from({ length: scores.length }, (_, e) => e).sort(
    (a, b) => scores[b] - scores[a] || a - b
  );
  const chosen: number[] = [];
  let total = 0;
  for (const expert of order) {
    if (total >= p) {
      break;
    }
    chosen.push(expert);
    total += scores[expert];
  }
  return chosen;
}
