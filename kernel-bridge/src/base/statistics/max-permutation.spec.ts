/** Against all divisions written out, and known counts. */
import { randomNumbers } from './random';
import { divisionCount, maxPermutationTest } from './max-permutation';

/** Student's t with a pooled variance to which the noise is added, as textbooks write it. */
function t(values: number[], inside: boolean[], noise: number): number {
  const [a, b] = [true, false].map(own =>
    values.filter((_, i) => inside[i] === own)
  );
  const mean = (list: number[]): number =>
    list.reduce((x, y) => x + y, 0) / list.length;
  const squares = (list: number[]): number =>
    list.reduce((sum, x) => sum + (x - mean(list)) ** 2, 0);
  const pooled = (squares(a) + squares(b)) / (values.length - 2) + noise;
  return (
    (mean(a) - mean(b)) / Math.sqrt(pooled * (1 / a.length + 1 / b.length))
  );
}

it('is the share of all divisions whose largest statistic is as large', () => {
  const random = randomNumbers(5);
  const rows = Array.from({ length: 7 }, () => [random(), random(), random()]);
  rows[1][2] += 2;
  rows[4][2] += 2;
  const noise = [0.01, 0.02, 0.03];
  const labelled = [0, 1, 0, 0, 1, 0, 0].map(Boolean);
  const column = (c: number): number[] => rows.map(row => row[c]);
  const largest: number[] = [];
  for (let a = 0; a < 7; a++) {
    for (let b = a + 1; b < 7; b++) {
      const inside = rows.map((_, i) => i === a || i === b);
      largest.push(
        Math.max(...[0, 1, 2].map(c => t(column(c), inside, noise[c])))
      );
    }
  }
  expect(largest).toHaveLength(21);
  const { statistic, p } = maxPermutationTest(rows, labelled, noise);
  [0, 1, 2].forEach(c => {
    const own = t(column(c), labelled, noise[c]);
    expect(statistic[c]).toBeCloseTo(own, 9);
    expect(p[c]).toBeCloseTo(
      largest.filter(value => value >= own - 1e-9).length / 21,
      12
    );
  });
  expect(p[2]).toBeCloseTo(1 / 21, 12);
});

it('draws divisions where there are too many, and counts the observed one', () => {
  const rows = Array.from({ length: 40 }, (_, i) => [i < 20 ? 1 : 0, i % 2]);
  const { p } = maxPermutationTest(
    rows,
    rows.map((_, i) => i < 20),
    [0.001, 0.001]
  );
  expect(p[0]).toBe(1 / 2_000);
  expect(p[1]).toBeGreaterThan(0.3);
});

it('says nothing where all units or none have the label', () => {
  const rows = [[1], [2], [3]];
  for (const own of [true, false]) {
    const { p } = maxPermutationTest(
      rows,
      rows.map(() => own),
      [0]
    );
    expect([...p]).toEqual([1]);
  }
});

it.each([
  [24, 2, 276],
  [7, 1, 7],
  [35, 5, 324_632],
  [5, 5, 1]
])('of %i units, %i can be chosen in %i ways', (units, chosen, ways) => {
  expect(divisionCount(units, chosen)).toBe(ways);
});
