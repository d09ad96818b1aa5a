import { maxSignFlipTest } from './max-sign-flip';
import { randomNumbers } from './random';

it('is the exact probability of few units', () => {
  // By hand: of 16 sign flips of (1, 2, 3, 4), two have a sum of 10 in absolute value, four of 8 or more.
  const { mean, p } = maxSignFlipTest([[1], [2], [3], [4]]);
  expect(mean[0]).toBe(2.5);
  expect(p[0]).toBe(2 / 16);
  expect(maxSignFlipTest([[-1], [2], [3], [4]]).p[0]).toBe(4 / 16);
});

it('corrects for all columns by the largest', () => {
  // Independent columns, each with p = 2 / 2^8 alone: at most twice as much together.
  const flips = [1, -1, 1, 1, -1, 1, -1, -1];
  const alone = maxSignFlipTest(flips.map(() => [1])).p[0];
  const both = maxSignFlipTest(flips.map(sign => [1, sign])).p[0];
  expect(alone).toBe(2 / 256);
  expect(both).toBe(4 / 256);
});

it('is about uniform where nothing differs, with random flips', () => {
  const random = randomNumbers(9);
  const draws = 200;
  let below = 0;
  for (let draw = 0; draw < draws; draw++) {
    const rows = Array.from({ length: 20 }, () =>
      Array.from({ length: 6 }, () => random() - 0.5)
    );
    below += Math.min(...maxSignFlipTest(rows).p) <= 0.1 ? 1 : 0;
  }
  // 20 of 200 are expected; 33 is three standard deviations more.
  expect(below).toBeGreaterThan(7);
  expect(below).toBeLessThan(33);
});

it('is defined for no units, and for columns of zeros', () => {
  expect(maxSignFlipTest([])).toEqual({
    mean: new Float64Array(),
    p: new Float64Array()
  });
  expect(maxSignFlipTest([[0], [0]]).p[0]).toBe(1);
});
