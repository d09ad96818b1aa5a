import { bootstrapInterval, resamples } from './bootstrap';
import { randomNumbers } from './random';

describe('resamples', () => {
  it('draw as many as there are, the same for a seed', () => {
    const drawn = (seed: number): number[][] =>
      [...resamples(5, 200, seed)].map(counts => [...counts]);
    // The array is reused, so it is copied while drawing.
    const copied: number[][] = [];
    for (const counts of resamples(5, 200, 3)) {
      copied.push([...counts]);
    }
    expect(copied).toHaveLength(200);
    expect(new Set(copied.map(own => own.reduce((a, b) => a + b)))).toEqual(
      new Set([5])
    );
    expect(drawn(3)).toHaveLength(200);
    // A unit is left out of a resample with probability (4/5)^5.
    const without = copied.flat().filter(count => count === 0).length / 1000;
    expect(without).toBeCloseTo(0.8 ** 5, 1);
  });
});

describe('the interval', () => {
  it('is unknown for fewer than four units', () => {
    expect(bootstrapInterval([1, 2, 3], 3)).toBeUndefined();
    expect(bootstrapInterval([], 10)).toBeUndefined();
    expect(bootstrapInterval([1, 1, 1], 4)).toEqual({ low: 1, high: 1 });
  });

  it('has the plain percentiles for many units', () => {
    const values = Array.from({ length: 1001 }, (_, i) => i);
    const { low, high } = bootstrapInterval(values, 1e6)!;
    expect(low).toBeCloseTo(25, 1);
    expect(high).toBeCloseTo(975, 1);
  });

  it.each([6, 20])('of a mean of %i numbers holds the true one', units => {
    const random = randomNumbers(units);
    const runs = 400;
    let held = 0;
    for (let run = 0; run < runs; run++) {
      const values = Array.from({ length: units }, () => {
        let sum = 0;
        for (let i = 0; i < 12; i++) {
          sum += random();
        }
        return sum;
      });
      const means: number[] = [];
      for (const counts of resamples(units, 400, run)) {
        means.push(
          values.reduce((sum, value, i) => sum + counts[i] * value, 0) / units
        );
      }
      const { low, high } = bootstrapInterval(means, units)!;
      held += low <= 6 && high >= 6 ? 1 : 0;
    }
    // 95 %, and three standard errors.
    expect(held / runs).toBeGreaterThan(0.917);
    expect(held / runs).toBeLessThan(0.983);
  });
});
