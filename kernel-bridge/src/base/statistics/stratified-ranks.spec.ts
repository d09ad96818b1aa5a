import { randomNumbers } from './random';
import { StratifiedRanks } from './stratified-ranks';

const all = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

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
])(
  'is the rank-sum test of one stratum, ties included, %i units',
  (units, value, label, p) => {
    const indices = all(units);
    expect(
      new StratifiedRanks(indices.map(value), [indices]).higherP(
        indices.map(label)
      ) / p
    ).toBeCloseTo(1, 6);
  }
);

it('is near the exact permutation of labels within strata', () => {
  const values = [0.1, 0.9, 0.4, 0.7, 0.2, 0.8, 0.3, 0.6, 0.5, 1, 0.05, 0.35];
  const strata = [
    [0, 1, 2, 3, 4, 5],
    [6, 7, 8, 9, 10, 11]
  ];
  const labelled = all(12).map(i => [1, 3, 9].includes(i));
  const rank = (own: number[], i: number): number =>
    own.filter(j => values[j] <= values[i]).length;
  // Two of the first stratum and one of the second have the label; both have six units, so that their weights agree.
  const sums: number[] = [];
  for (const a of strata[0]) {
    for (const b of strata[0].filter(i => i > a)) {
      for (const c of strata[1]) {
        sums.push(rank(strata[0], a) + rank(strata[0], b) + rank(strata[1], c));
      }
    }
  }
  expect(sums).toHaveLength(90);
  const observed = rank(strata[0], 1) + rank(strata[0], 3) + rank(strata[1], 9);
  const exact = sums.filter(sum => sum >= observed).length / sums.length;
  const p = new StratifiedRanks(values, strata).higherP(labelled);
  expect(p).toBeGreaterThan(exact / 2);
  expect(p).toBeLessThan(4 * exact);
});

it('does not take a difference between strata for one of labels', () => {
  const random = randomNumbers(4);
  // Units of the second stratum have larger values, and most of the labels.
  const values = all(400).map(i => random() + (i >= 200 ? 5 : 0));
  const labelled = all(400).map(i => i % (i >= 200 ? 2 : 10) === 0);
  expect(
    new StratifiedRanks(values, [all(400)]).higherP(labelled)
  ).toBeLessThan(1e-6);
  expect(
    new StratifiedRanks(values, [all(200), all(200).map(i => i + 200)]).higherP(
      labelled
    )
  ).toBeGreaterThan(0.01);
});

it('is 1 without a label, without other units and without a difference', () => {
  const ranks = new StratifiedRanks([1, 2, 3], [all(3)]);
  expect(ranks.higherP([0, 0, 0])).toBe(1);
  expect(ranks.higherP([1, 1, 1])).toBe(1);
  const equal = new StratifiedRanks([1, 1, 1], [all(3)]);
  expect(equal.higherP([1, 0, 0])).toBe(1);
});
