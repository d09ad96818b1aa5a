import { normalOfStudent } from '../../base/statistics/student-t';
import { Excess } from './excess';

const of = (changes: number[], matched: number[]): Excess =>
  Excess.of(changes.map((change, i) => ({ change, matched: matched[i] })));

it('compares sizes, whatever the signs', () => {
  expect(of([-3, -5], [-1, -1]).value).toBe(3);
  expect(of([3, 5], [-1, -1]).value).toBe(3);
  // Smaller than its control: no excess, though both differ.
  expect(of([-1, -1.5], [-4, -4]).value).toBe(-2.75);
  expect(of([-1, -1.5], [-4, -4]).score).toBe(0);
  expect(of([1, 1.5], [-4, -4]).score).toBe(0);
});

it('has the score and interval of a paired t-test', () => {
  // scipy.stats.ttest_rel([-3, -5, -4, -6, -2], [-1, 0, -2, -1, -1]): t = -3.5857 of 4 degrees, 95 % from -5.3229 to -0.6771
  const excess = of([-3, -5, -4, -6, -2], [-1, 0, -2, -1, -1]);
  expect(excess.value).toBe(3);
  // scipy.stats.norm.isf(scipy.stats.t.sf(3.5857, 4)) = 2.2726; Wallace's score differs by 1 %.
  expect(Math.abs(excess.score / 2.2726 - 1)).toBeLessThan(0.01);
  // The same of t.isf(0.025, 4) = 2.7764.
  const ends = excess.interval(normalOfStudent(2.7764451051977987, 4));
  expect(ends[0]).toBeCloseTo(0.6770593646148098, 9);
  expect(ends[1]).toBeCloseTo(5.322940635385191, 9);
  // The interval that begins at 0 is the one of its own score.
  const [low, high] = excess.interval(excess.score);
  expect(low).toBeCloseTo(0, 9);
  expect(high).toBeCloseTo(6, 9);
  expect(excess.interval(0)).toEqual([3, 3]);
});

it('needs two prompts, and stands zero spread', () => {
  expect(of([-3], [0]).score).toBe(0);
  const constant = of([-1, -1, -1], [0, 0, 0]);
  expect(constant.score).toBe(Infinity);
  expect(constant.error).toBe(0);
  expect(constant.interval(2)).toEqual([1, 1]);
  expect(of([0, 0], [0, 0]).score).toBe(0);
});
