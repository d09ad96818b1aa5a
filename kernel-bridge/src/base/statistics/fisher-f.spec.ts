import { upperFisherTail } from './fisher-f';

// scipy.stats.f.sf(f, d1, d2)
it.each([
  [3, 5, 110, 0.01409483035847014],
  [12, 2.5, 40, 2.661278785513769e-5],
  [1.5, 90, 9000, 0.0016155354893030204]
])('has the tail beyond %f of F(%f, %f)', (f, first, second, p) => {
  expect(upperFisherTail(f, first, second) / p).toBeCloseTo(1, 5);
});

it('is 1 of nothing', () => {
  expect(upperFisherTail(0, 3, 30)).toBe(1);
});
