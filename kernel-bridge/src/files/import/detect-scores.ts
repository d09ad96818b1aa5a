/** Whether a dump holds logits or probabilities: some programs save the one under the name of the other. */
import type { RouterArray } from './hf-arrays';
import type { ImportContext } from './importer';

/** Rows of a softmax sum to 1 as exactly as bfloat16 rounds hundreds of them. */
const TOLERANCE = 0.02;
const ROWS = 4096;

/** Reads all rows: one that is no distribution makes the dump one of logits. */
export function detectScores(
  routers: readonly RouterArray[],
  { facts, note }: ImportContext
): 'logits' | 'probabilities' {
  const sums = facts.score !== 'sigmoid';
  const are = routers.every(router => areProbabilities(router, sums))
    ? 'probabilities'
    : 'logits';
  note(
    are === 'probabilities'
      ? `detected: probabilities, since all rows ${sums ? 'sum to 1' : 'lie between 0 and 1'}`
      : 'detected: logits'
  );
  if (facts.score === undefined) {
    facts.score = 'softmax';
    note('the score function is taken for softmax: --score changes it');
  }
  return are;
}

function areProbabilities(
  { array, base, tokens, experts }: RouterArray,
  sums: boolean
): boolean {
  for (let from = 0; from < tokens; from += ROWS) {
    const to = Math.min(tokens, from + ROWS);
    const rows = array.read(base + from * experts, base + to * experts);
    for (let start = 0; start < rows.length; start += experts) {
      let sum = 0;
      for (let e = start; e < start + experts; e++) {
        // NaN is neither: it decides nothing.
        if (rows[e] < 0 || rows[e] > 1 + TOLERANCE) {
          return false;
        }
        sum += rows[e];
      }
      if (sums && Math.abs(sum - 1) > TOLERANCE) {
        return false;
      }
    }
  }
  return true;
}
