import { randomNumbers } from '../../../base/statistics/random';
import { findUntrained } from './untrained-tokens';
import type { UnembeddingSketch } from './unembedding-sketch';

const VOCABULARY = 300;
const SIZE = 24;
/** Ids 0 to 99 are in the prompts. */
const SEEN = new Set(Array.from({ length: 100 }, (_, id) => id));
/** Ids from here on are untrained. */
const FIRST = 260;
const PLANTED = Array.from({ length: VOCABULARY - FIRST }, (_, i) => FIRST + i);

/** Rows of random signs; untrained ones are `centre` and so much of their own. */
function sketch(
  own: number,
  centre: (i: number) => number = () => 0
): UnembeddingSketch {
  const random = randomNumbers(5);
  const rows = Float32Array.from({ length: VOCABULARY * SIZE }, (_, at) => {
    const value = 2 * random() - 1;
    return at < FIRST * SIZE ? value : centre(at % SIZE) + own * value;
  });
  return { vocabulary: VOCABULARY, size: SIZE, rows };
}

it.each([
  ['small rows', sketch(0.05)],
  ['rows of zeros', sketch(0)],
  ['rows that are alike, and as long as the others', sketch(0.05, () => 0.6)]
])('finds %s, with and without tokens that are known', (_, rows) => {
  const [known, guessed] = [[261, 270, 280, 299], []].map(never =>
    findUntrained(rows, never, SEEN)
  );
  for (const found of [known, guessed]) {
    expect(found.ids).toEqual(PLANTED);
    expect(found).toMatchObject({
      of: VOCABULARY,
      seen: 100,
      seenBelow: 0,
      separation: 1,
      why: null
    });
    expect(found.threshold).toBeLessThan(0.5);
  }
  expect(known).toMatchObject({
    centre: 'tokens that no text has',
    known: 4,
    knownBelow: 4
  });
  expect(guessed).toMatchObject({ centre: 'closest rows', known: 3 });
});

it('leaves out nothing where the known ones do not stand apart', () => {
  const found = findUntrained(sketch(1), [261, 270, 280, 299], SEEN);
  expect(found.ids).toEqual([]);
  expect(found.separation).toBeLessThan(0.8);
  expect(found.why).toBe(
    "rows of the unembedding do not tell tokens that no text has from the prompts' tokens"
  );
});

it('leaves out nothing where nothing is known, and no rows stand apart', () => {
  expect(findUntrained(sketch(1), [], SEEN)).toMatchObject({
    ids: [],
    why: 'no group of rows of the unembedding stands apart from the others'
  });
});

it('keeps untrained rows of tokens that the prompts have', () => {
  const seen = new Set([...SEEN, 265]);
  expect(findUntrained(sketch(0.05), [261, 270, 280], seen)).toMatchObject({
    ids: PLANTED.filter(id => id !== 265),
    seenBelow: 1
  });
});

it('says so where the prompts have too few tokens to tell', () => {
  expect(
    findUntrained(sketch(0.05), [261, 270], new Set([1, 2]))
  ).toMatchObject({
    ids: [],
    separation: null,
    why: expect.stringContaining('2 different tokens') as string
  });
});
