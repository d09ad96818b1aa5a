/** Artificial attention patterns score 1 for their own behaviour and 0 for the others. */
import { chanceScores, headScores, isCausal } from './head-scores';

const START = 1;
const LENGTH = 4;
const TOKENS = START + 2 * LENGTH;

/** [tokens, tokens]: each token attends to one other, or to itself if there is none. */
function pattern(keyOf: (query: number) => number): Float32Array {
  const values = new Float32Array(TOKENS * TOKENS);
  for (let query = 0; query < TOKENS; query++) {
    const key = keyOf(query);
    values[query * TOKENS + (key < 0 ? query : key)] = 1;
  }
  return values;
}

function heads(...patterns: Float32Array[]): Float32Array {
  return Float32Array.from(patterns.flatMap(own => [...own]));
}

const sequences = { start: START, length: LENGTH };

it('tells an induction head from a previous-token and a duplicate-token head', () => {
  const scores = headScores(
    heads(
      // After "B ... B", what followed the first B.
      pattern(query => (query < START + LENGTH ? -1 : query - LENGTH + 1)),
      pattern(query => query - 1),
      pattern(query => (query < START + LENGTH ? -1 : query - LENGTH))
    ),
    TOKENS,
    sequences
  );
  expect(scores).toEqual([
    { prefixMatching: 1, previousToken: 0, duplicateToken: 0 },
    { prefixMatching: 0, previousToken: 1, duplicateToken: 0 },
    { prefixMatching: 0, previousToken: 0, duplicateToken: 1 }
  ]);
});

it('leaves the last token out of the induction score, since nothing follows it in the first copy', () => {
  const last = TOKENS - 1;
  const [score] = headScores(
    pattern(query =>
      query < START + LENGTH || query === last ? -1 : query - LENGTH + 1
    ),
    TOKENS,
    sequences
  );
  expect(score.prefixMatching).toBe(1);
});

it('computes the chance score of uniform attention', () => {
  const uniform = Float32Array.from({ length: TOKENS * TOKENS }, (_, at) => {
    const query = Math.floor(at / TOKENS);
    return at % TOKENS <= query ? 1 / (query + 1) : 0;
  });
  const [score] = headScores(uniform, TOKENS, sequences);
  const chance = chanceScores(TOKENS, sequences, true);
  expect(chance.prefixMatching).toBeCloseTo(score.prefixMatching, 6);
  expect(chance.previousToken).toBeCloseTo(score.previousToken, 6);
  expect(chance.duplicateToken).toBeCloseTo(score.duplicateToken, 6);
  // (1/6 + 1/7 + 1/8) / 3, by hand.
  expect(chance.prefixMatching).toBeCloseTo(0.144841, 6);
  expect(chanceScores(TOKENS, sequences, false).prefixMatching).toBeCloseTo(
    1 / TOKENS,
    12
  );
});

it('detects attention to later tokens', () => {
  const back = pattern(query => query - 1);
  const ahead = pattern(query => Math.min(query + 1, TOKENS - 1));
  expect(isCausal(back, TOKENS)).toBe(true);
  expect(isCausal(heads(back, ahead), TOKENS)).toBe(false);
});
