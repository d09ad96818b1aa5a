import { pearson, spearman } from './correlation';
import { midRanks } from './ranks';

it('agrees with scipy', () => {
  const a = [1, 2, 3, 4, 5, 6];
  const b = [2, 1, 4, 3, 7, 5];
  expect(pearson(a, b)).toBeCloseTo(0.7917946548886295, 12);
  expect(spearman(a, b)).toBeCloseTo(0.8285714285714287, 12);
  expect(spearman([1, 2, 2, 9], [10, 20, 30, 40])).toBeCloseTo(
    0.9486832980505139,
    12
  );
  expect(pearson([1, 1], [2, 3])).toBeNull();
});

it('gives equal values the mean of their ranks', () => {
  // scipy.stats.rankdata; two groups of two and one of three: 6 + 6 + 24.
  const { ranks, ties } = midRanks([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]);
  expect([...ranks]).toEqual([4.5, 1.5, 6, 1.5, 8, 11, 3, 10, 8, 4.5, 8]);
  expect(ties).toBe(36);
});
