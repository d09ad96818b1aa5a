import {
  divergence,
  likeliest,
  logProbability,
  logSumExp,
  rank,
  softmaxEntropy
} from './logits';

const logits = Float32Array.of(Math.log(1), Math.log(2), Math.log(5));

it('computes distributions from logits, invariant to a constant', () => {
  expect(logSumExp(logits)).toBeCloseTo(Math.log(8), 6);
  expect(logProbability(logits, 2)).toBeCloseTo(Math.log(5 / 8), 6);
  expect(logSumExp(logits.map(x => x + 1e4))).toBeCloseTo(1e4 + Math.log(8), 2);
  expect(likeliest(logits)).toBe(2);
  expect([0, 1, 2].map(token => rank(logits, token))).toEqual([3, 2, 1]);
  expect(rank(Float32Array.of(1, 2, 2), 1)).toBe(1);
});

it('has the entropy of a distribution worked out by hand', () => {
  // 1/8, 2/8 and 5/8.
  expect(softmaxEntropy(logits)).toBeCloseTo(
    Math.log(8) - (2 * Math.log(2) + 5 * Math.log(5)) / 8,
    6
  );
  expect(softmaxEntropy(Float32Array.of(0, -Infinity))).toBe(0);
  expect(softmaxEntropy(Float32Array.of(0, Number.NaN))).toBeNaN();
});

it('gives the divergence of a coin by hand', () => {
  const fair = Float32Array.of(0, 0);
  const biased = Float32Array.of(Math.log(0.9), Math.log(0.1));
  expect(divergence(fair, biased)).toBeCloseTo(
    0.5 * Math.log(0.5 / 0.9) + 0.5 * Math.log(0.5 / 0.1),
    6
  );
  expect(divergence(fair, fair)).toBe(0);
});

it('has a limit where a token is impossible, and is NaN where a logit is', () => {
  const impossible = Float32Array.of(0, -Infinity);
  expect(divergence(impossible, Float32Array.of(0, 0))).toBeCloseTo(
    Math.log(2),
    6
  );
  expect(divergence(impossible, impossible)).toBe(0);
  expect(divergence(Float32Array.of(Number.NaN, 0), logits)).toBeNaN();
  expect(rank(Float32Array.of(Number.NaN, 0), 0)).toBeNaN();
});
