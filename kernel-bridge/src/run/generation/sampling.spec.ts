import { randomNumbers } from '../../base/statistics/random';
import { nextToken, type Sampling } from './sampling';

const LOGITS = Float32Array.of(1.5, -0.3, 2.2, 0.1, -4, 2.2, 0.9, -1.1);

/** Softmax at a temperature, written out. */
function softmax(logits: readonly number[], temperature: number): number[] {
  const powers = logits.map(logit => Math.exp(logit / temperature));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map(power => power / sum);
}

function frequencies(
  sampling: Sampling,
  draws: number,
  logits = LOGITS
): number[] {
  const random = randomNumbers(11);
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i++) {
    counts[nextToken(logits, sampling, random)]++;
  }
  return counts.map(count => count / draws);
}

/** Chi-square statistic of samples against expected probabilities, over tokens that can be sampled. */
function chiSquare(
  observed: readonly number[],
  expected: readonly number[],
  draws: number
): number {
  return expected.reduce(
    (sum, p, id) => (p > 0 ? sum + ((observed[id] - p) ** 2 * draws) / p : sum),
    0
  );
}

describe('nextToken', () => {
  const never = (): number => {
    throw new Error('nothing is drawn');
  };

  it('selects the most likely token without a temperature, the lower id in a tie', () => {
    expect(nextToken(LOGITS, { temperature: 0 }, never)).toBe(2);
    expect(
      nextToken(Float32Array.of(NaN, -7, NaN, -7), { temperature: 0 }, never)
    ).toBe(1);
  });

  it.each([0.3, 1, 2.5])(
    'samples from the softmax at temperature %d',
    temperature => {
      const draws = 100_000;
      const expected = softmax([...LOGITS], temperature);
      // 24.32 is the 99.9 % quantile with 7 degrees of freedom; the seed is fixed.
      expect(
        chiSquare(frequencies({ temperature }, draws), expected, draws)
      ).toBeLessThan(24.32);
    }
  );

  it('samples only from the k most likely, in proportion', () => {
    const draws = 50_000;
    const [a, b, c] = softmax([1.5, 2.2, 2.2], 1);
    const expected = [a, 0, b, 0, 0, c, 0, 0];
    const observed = frequencies({ temperature: 1, topK: 3 }, draws);
    expect(observed.filter((_, id) => expected[id] === 0)).toEqual([
      0, 0, 0, 0, 0
    ]);
    expect(chiSquare(observed, expected, draws)).toBeLessThan(13.82);
    expect(frequencies({ temperature: 1, topK: 1 }, 100)[2]).toBe(1);
  });

  it('samples from the fewest tokens that reach top-p, like transformers', () => {
    // Probabilities .5 .25 .15 .1: a half needs one token, 0.7 two, 0.75 two, 0.8 three.
    const logits = Float32Array.from([0.1, 0.5, 0.15, 0.25], Math.log);
    const drawn = (topP: number): number[] =>
      frequencies({ temperature: 1, topP }, 2000, logits).flatMap(
        (share, id) => (share > 0 ? [id] : [])
      );
    expect(drawn(0.49)).toEqual([1]);
    expect(drawn(0.7)).toEqual([1, 3]);
    expect(drawn(0.8)).toEqual([1, 2, 3]);
    expect(drawn(1)).toEqual([0, 1, 2, 3]);
  });

  it('applies top-p after top-k', () => {
    // Of the two most likely, .5 and .25, the first alone has two thirds.
    const logits = Float32Array.from([0.1, 0.5, 0.15, 0.25], Math.log);
    expect(
      frequencies({ temperature: 1, topK: 2, topP: 0.6 }, 500, logits)
    ).toEqual([0, 1, 0, 0]);
  });

  it('never selects a token whose logit is NaN', () => {
    expect(
      frequencies({ temperature: 1 }, 500, Float32Array.of(NaN, 0, -Infinity))
    ).toEqual([0, 1, 0]);
  });

  it.each([
    Float32Array.of(NaN, NaN),
    Float32Array.of(-Infinity, -Infinity),
    Float32Array.of(0, Infinity)
  ])('rejects logits without a maximum: %p', logits => {
    for (const temperature of [0, 1]) {
      expect(() => nextToken(logits, { temperature }, () => 0.5)).toThrow(
        expect.objectContaining({ code: 'engine' })
      );
    }
  });
});
