/** Detects whether a dump holds logits or probabilities: some programs save one under the name of the other. */
import { pauses } from '../../base/pause';
import type { RouterArray } from './hf-arrays';
import type { ImportContext } from './importer';

/** Error of a softmax row's sum: bfloat16 rounding of hundreds of values. */
const TOLERANCE = 0.02;
const ROWS = 4096;

/** Reads all rows: one that is not a distribution means that the dump holds logits. */
export async function detectScores(
  routers: readonly RouterArray[],
  { facts, note }: ImportContext
): Promise<'logits' | 'probabilities'> {
  const sums = facts.score !== 'sigmoid';
  const seen: Seen = { whole: 0, withNaN: 0 };
  let distributions = true;
  for (const router of routers) {
    distributions = await areProbabilities(router, sums, seen);
    if (!distributions) {
      break;
    }
  }
  const are = distributions && seen.whole > 0 ? 'probabilities' : 'logits';
  note(
    are === 'probabilities'
      ? `detected: probabilities, since all rows${seen.withNaN > 0 ? ' without NaN' : ''} ${sums ? 'sum to 1' : 'lie between 0 and 1'}`
      : distributions
        ? 'assumed: logits, since every row has NaN, so nothing tells them from probabilities'
        : 'detected: logits'
  );
  if (facts.score === undefined) {
    facts.score = 'softmax';
    note('assumed: the score function is softmax; --score changes it');
  }
  return are;
}

interface Seen {
  whole: number;
  withNaN: number;
}

/** @param seen counts the rows that were read */
async function areProbabilities(
  { array, base, tokens, experts }: RouterArray,
  sums: boolean,
  seen: Seen
): Promise<boolean> {
  const pause = pauses();
  for (let from = 0; from < tokens; from += ROWS) {
    const to = Math.min(tokens, from + ROWS);
    const rows = array.read(base + from * experts, base + to * experts);
    for (let start = 0; start < rows.length; start += experts) {
      let sum = 0;
      for (let e = start; e < start + experts; e++) {
        // NaN is compatible with both, so it is skipped.
        if (rows[e] < 0 || rows[e] > 1 + TOLERANCE) {
          return false;
        }
        sum += rows[e];
      }
      if (sums && Math.abs(sum - 1) > TOLERANCE) {
        return false;
      }
      seen[Number.isNaN(sum) ? 'withNaN' : 'whole']++;
    }
    await pause();
  }
  return true;
}
