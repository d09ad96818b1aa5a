import { designEffect } from './design-effect';

it('is the variance of the ratio over that of independent tokens', () => {
  // Rates of 1, 0 and 0.5 in texts of 10: deviations from 0.5 of 5, -5 and 0 tokens, and 30 x 0.25 of independent tokens.
  expect(designEffect([[10], [0], [5]], [10, 10, 10])).toBeCloseTo(
    (1.5 * (25 + 25 + 0)) / 7.5,
    12
  );
});

it('is that of whole texts where each is all or nothing: a text is one observation', () => {
  const texts = Array.from({ length: 40 }, (_, i) => [i % 4 === 0 ? 25 : 0]);
  const effect = designEffect(
    texts,
    texts.map(() => 25)
  );
  expect((40 * 25) / effect).toBeCloseTo(39, 9);
});

it('is at least 1, and unknown of one text', () => {
  expect(designEffect([[5], [5]], [10, 10])).toBe(1);
  expect(designEffect([[5]], [10])).toBeNaN();
});
