import { entropy } from './entropy';

it('is that of the shares', () => {
  // scipy.stats.entropy([3, 1])
  expect(entropy([3, 1])).toBeCloseTo(0.5623351446188083, 12);
  expect(entropy([4, 0])).toBe(0);
  expect(entropy([0, 0])).toBeNaN();
});
