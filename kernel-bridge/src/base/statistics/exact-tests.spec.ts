import { binomialTail, hypergeometricTail } from './exact-tests';

it('binomial tail agrees with tables', () => {
  expect(binomialTail(8, 10, 0.5)).toBeCloseTo(56 / 1024, 12);
  expect(binomialTail(0, 0, 0.5)).toBe(1);
  expect(binomialTail(3, 3, 0.1)).toBeCloseTo(0.001, 12);
  // scipy.stats.binom.sf(199, 1000, 0.1): far tails keep their relative precision.
  expect(binomialTail(200, 1000, 0.1) / 2.9280548038287287e-21).toBeCloseTo(
    1,
    9
  );
});

it("is Fisher's own answer about the lady who tasted tea", () => {
  // "The Logic of Inductive Inference" and "The Design of Experiments": 4 of 8 cups, all told right, 3 or more.
  expect(hypergeometricTail(4, 4, 4, 8)).toBeCloseTo(1 / 70, 12);
  expect(hypergeometricTail(3, 4, 4, 8)).toBeCloseTo(17 / 70, 12);
  expect(hypergeometricTail(0, 4, 4, 8)).toBe(1);
  expect(hypergeometricTail(2, 4, 6, 8)).toBe(1);
  // scipy.stats.hypergeom.sf(89, 5000, 300, 400)
  expect(
    hypergeometricTail(90, 300, 400, 5000) / 1.573285082186306e-31
  ).toBeCloseTo(1, 9);
});
