import * as fc from 'fast-check';
import {
  benjaminiHochberg,
  binomialTail,
  hypergeometricTail,
  rankSumTest,
  upperNormalTail
} from './permutation';

describe('rankSumTest', () => {
  it('counts all deals of labels, ties included', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(4), { minLength: 2, maxLength: 8 }),
        fc.nat(),
        (values, seed) => {
          const labelled = values.map((_, i) => (seed >> i) & 1);
          const chosen = labelled.filter(Boolean).length;
          fc.pre(chosen > 0 && chosen < values.length);
          const rank = (value: number): number =>
            values.filter(other => other < value).length +
            (values.filter(other => other === value).length + 1) / 2;
          const total = (mask: number): number =>
            values.reduce(
              (sum, value, i) => sum + ((mask >> i) & 1 ? rank(value) : 0),
              0
            );
          const own = labelled.reduce((mask, bit, i) => mask | (bit << i), 0);
          const deals = Array.from(
            { length: 2 ** values.length },
            (_, mask) => mask
          ).filter(
            mask =>
              [...mask.toString(2)].filter(bit => bit === '1').length === chosen
          );
          const asHigh = deals.filter(mask => total(mask) >= total(own));
          expect(rankSumTest(values, labelled)).toBeCloseTo(
            asHigh.length / deals.length,
            9
          );
        }
      )
    );
  });

  it('is 1 without a label or without a difference', () => {
    expect(rankSumTest([1, 2, 3], [0, 0, 0])).toBe(1);
    expect(rankSumTest([1, 1, 1], [1, 0, 0])).toBeCloseTo(1, 12);
  });

  it('goes on as the normal approximation where counting would take long', () => {
    const exact = Array.from({ length: 400 }, (_, i) => i);
    const many = Array.from({ length: 402 }, (_, i) => i);
    const labels = (n: number): boolean[] =>
      Array.from({ length: n }, (_, i) => i % 40 === 39);
    const [a, b] = [
      rankSumTest(exact, labels(400)),
      rankSumTest(many, labels(402))
    ];
    expect(Math.abs(a - b)).toBeLessThan(0.01);
  });
});

it.each([
  [0, 0.5],
  [1.959963984540054, 0.025],
  [-1.6448536269514722, 0.95],
  [6, 9.865876450377e-10],
  [10, 7.61985302416e-24]
])('normal tail beyond %d', (z, p) => {
  expect(upperNormalTail(z) / p).toBeCloseTo(1, 6);
});

it('binomial tail agrees with tables', () => {
  expect(binomialTail(8, 10, 0.5)).toBeCloseTo(56 / 1024, 12);
  expect(binomialTail(0, 0, 0.5)).toBe(1);
  expect(binomialTail(3, 3, 0.1)).toBeCloseTo(0.001, 12);
});

it("corrects as Benjamini and Hochberg's own example does", () => {
  // Their table of 15 p-values, section 4: the first four are significant at 0.05.
  const p = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459,
    0.324, 0.4262, 0.5719, 0.6528, 0.759, 1
  ];
  expect(benjaminiHochberg(p).filter(value => value <= 0.05)).toHaveLength(4);
  expect(benjaminiHochberg([0.01], 10)).toEqual([0.1]);
  expect(benjaminiHochberg([])).toEqual([]);
});

it("is Fisher's own answer about the lady who tasted tea", () => {
  // "The Logic of Inductive Inference" and "The Design of Experiments": 4 of 8 cups, all told right, 3 or more.
  expect(hypergeometricTail(4, 4, 4, 8)).toBeCloseTo(1 / 70, 12);
  expect(hypergeometricTail(3, 4, 4, 8)).toBeCloseTo(17 / 70, 12);
  expect(hypergeometricTail(0, 4, 4, 8)).toBe(1);
  expect(hypergeometricTail(2, 4, 6, 8)).toBe(1);
});
