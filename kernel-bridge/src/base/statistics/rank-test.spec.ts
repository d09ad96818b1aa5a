import * as fc from 'fast-check';
import { rankSumTest } from './rank-test';

describe('rankSumTest', () => {
  it('counts all permutations of labels, ties included', () => {
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

  // scipy 1.17.1: mannwhitneyu(alternative='greater', method='asymptotic', use_continuity=True).
  it.each([
    [
      600,
      (i: number) => ((i * 7) % 5) + (i % 6 === 0 ? 1 : 0),
      (i: number) => i % 3 === 0,
      0.00012388209529772746
    ],
    [
      500,
      (i: number) => (i % 4 === 0 ? 1 : 0),
      (i: number) => i % 10 < 2,
      0.5002058067825997
    ]
  ])('corrects for ties as scipy does, %i units', (units, value, label, p) => {
    const indices = [...Array(units).keys()];
    expect(rankSumTest(indices.map(value), indices.map(label)) / p).toBeCloseTo(
      1,
      6
    );
  });

  it('continues as the normal approximation where counting would take long', () => {
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
