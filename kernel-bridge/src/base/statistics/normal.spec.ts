import { upperNormalTail } from './normal';

it.each([
  [0, 0.5],
  [1.959963984540054, 0.025],
  [-1.6448536269514722, 0.95],
  [6, 9.865876450377e-10],
  [10, 7.61985302416e-24]
])('normal tail beyond %d', (z, p) => {
  expect(upperNormalTail(z) / p).toBeCloseTo(1, 6);
});
