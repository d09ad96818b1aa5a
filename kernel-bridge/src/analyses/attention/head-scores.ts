/** Scores of attention heads on sequences that repeat a segment. */
import type { RepeatedSequences } from './repeated-sequences';

/**
 * Mean attention probabilities over the queries that have such a key. L is the length of a copy; tokens are counted from
 * the start of the first copy.
 */
export interface HeadScores {
  /**
   * From each token of the second copy except the last to the token after its first occurrence: q to q - L + 1, for q = L
   * to 2L - 2. High for induction heads (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"; the
   * score is from Olsson et al. 2022, "In-context Learning and Induction Heads", arXiv:2209.11895).
   */
  prefixMatching: number;
  /** From each token except the very first to the previous one: q to q - 1 (Elhage et al. 2021). */
  previousToken: number;
  /** From each token of the second copy to its first occurrence: q to q - L (Wang et al. 2022, arXiv:2211.00593). */
  duplicateToken: number;
}

export const SCORES = [
  'prefixMatching',
  'previousToken',
  'duplicateToken'
] as const satisfies readonly (keyof HeadScores)[];

/** [query, key] pairs that each score averages. */
type Pairs = Record<keyof HeadScores, (readonly [number, number])[]>;

/** @param tokens length of the whole sequence */
function pairs(
  { start, length }: Pick<RepeatedSequences, 'start' | 'length'>,
  tokens: number
): Pairs {
  const second = Array.from({ length }, (_, i) => start + length + i);
  return {
    prefixMatching: second.slice(0, -1).map(q => [q, q - length + 1] as const),
    previousToken: Array.from(
      { length: tokens - 1 },
      (_, i) => [i + 1, i] as const
    ),
    duplicateToken: second.map(q => [q, q - length] as const)
  };
}

/**
 * @param probabilities [heads, tokens, tokens] of one sequence
 * @returns scores per head
 */
export function headScores(
  probabilities: Float32Array,
  tokens: number,
  sequences: Pick<RepeatedSequences, 'start' | 'length'>
): HeadScores[] {
  const looked = pairs(sequences, tokens);
  const heads = probabilities.length / (tokens * tokens);
  return Array.from({ length: heads }, (_, head) =>
    scored(
      looked,
      (query, key) =>
        probabilities[head * tokens * tokens + query * tokens + key]
    )
  );
}

/** Scores of uniform attention over all tokens; for causal attention, over all tokens up to the query. */
export function chanceScores(
  tokens: number,
  sequences: Pick<RepeatedSequences, 'start' | 'length'>,
  causal: boolean
): HeadScores {
  return scored(
    pairs(sequences, tokens),
    query => 1 / (causal ? query + 1 : tokens)
  );
}

function scored(
  looked: Pairs,
  probability: (query: number, key: number) => number
): HeadScores {
  const mean = (score: keyof HeadScores): number =>
    looked[score].reduce((sum, pair) => sum + probability(...pair), 0) /
    looked[score].length;
  return {
    prefixMatching: mean('prefixMatching'),
    previousToken: mean('previousToken'),
    duplicateToken: mean('duplicateToken')
  };
}

/** True if no head attends to a later token. @param probabilities [heads, tokens, tokens] */
export function isCausal(probabilities: Float32Array, tokens: number): boolean {
  return probabilities.every(
    (p, at) => !(p > AHEAD) || at % tokens <= Math.floor(at / tokens) % tokens
  );
}

/** Residue of masks that add a large negative number. */
const AHEAD = 1e-6;
