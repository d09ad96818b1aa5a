import { ClusterMeans } from './cluster-means';

/** By hand: totals 2, 5, 5 over weights 1, 2, 3, so the mean is 2 and the residuals are 0, 1 and -1. */
const TEXTS: [number, number][] = [
  [2, 1],
  [5, 2],
  [5, 3]
];

function given(texts: readonly [number, number][]): ClusterMeans {
  const means = new ClusterMeans(1);
  texts.forEach(([total, weight]) => means.add([total], [weight]));
  return means;
}

it('has the mean and the error of a ratio of text totals', () => {
  const means = given(TEXTS);
  expect(means.mean(0)).toBe(2);
  expect(means.error(0)).toBeCloseTo(Math.sqrt((3 / 2) * 2) / 6, 12);
  // 6 squared over 14: 2.57 effective texts, one degree of freedom, whose 97.5 % quantile is 12.7062.
  expect(means.interval(0, 0.05).halfWidth).toBeCloseTo(
    (12.7062 * Math.sqrt(3)) / 6,
    4
  );
  expect(means.shrunkMean(0, 6)).toBe(1);
});

it('is the sum of what its halves were given', () => {
  const both = given(TEXTS.slice(0, 1)).plus(given(TEXTS.slice(1)));
  expect(both.clusters).toBe(3);
  expect(both.mean(0)).toBe(2);
  expect(both.error(0)).toBeCloseTo(given(TEXTS).error(0), 12);
});

it.each([
  ['no text', []],
  ['one text', TEXTS.slice(0, 1)],
  [
    'one text that has nearly all of the weight',
    [
      [5, 1],
      [0.1, 0.01]
    ] as [number, number][]
  ]
])('has no error of %s', (_, texts) => {
  const means = given(texts);
  expect(means.error(0)).toBeNaN();
  expect(means.interval(0, 0.05).halfWidth).toBeNaN();
});
