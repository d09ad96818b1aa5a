/** Against binomial tests, and simulated texts whose tokens depend on each other. */
import { binomialTail } from './exact-tests';
import { randomNumbers } from './random';
import {
  higherRateP,
  liftInterval,
  ratioDesignEffect,
  sumOf,
  type TwoRates
} from './rate-ratio';

/** Half of the groups have the event at each token of the class or at none: ten tokens are one observation. */
const allOrNothing = (groups: number): TwoRates[] =>
  Array.from({ length: groups }, (_, i) => ({
    inside: i % 2 === 0 ? 10 : 0,
    insideTokens: 10,
    outside: 500,
    outsideTokens: 1000
  }));

describe('the p of a higher rate', () => {
  it.each([
    [16, 500, 0.008],
    [60, 100, 0.5],
    [32, 32, 0.8]
  ])(
    'is near that of a binomial test: %i of %i at %f',
    (inside, tokens, rate) => {
      const many = 1e7;
      const p = higherRateP(
        {
          inside,
          insideTokens: tokens,
          outside: rate * many,
          outsideTokens: many
        },
        1,
        1e6
      );
      const exact = binomialTail(inside, tokens, rate);
      expect(p / exact).toBeGreaterThan(0.4);
      expect(p / exact).toBeLessThan(2);
    }
  );

  it('is larger where tokens depend on each other, and 1 of a lower rate', () => {
    const rates = {
      inside: 60,
      insideTokens: 100,
      outside: 400,
      outsideTokens: 1000
    };
    expect(higherRateP(rates, 4, 31)).toBeGreaterThan(
      50 * higherRateP(rates, 1, 31)
    );
    expect(higherRateP({ ...rates, inside: 39 }, 1, 31)).toBe(1);
    expect(
      higherRateP(
        { inside: 9, insideTokens: 9, outside: 9, outsideTokens: 9 },
        1,
        31
      )
    ).toBe(1);
  });
});

it('has the design effect of whole groups: ten tokens count as one', () => {
  expect(ratioDesignEffect(allOrNothing(40))).toBeCloseTo(10, 0);
  expect(ratioDesignEffect(allOrNothing(1))).toBeNaN();
  const equal = allOrNothing(40).map(group => ({ ...group, inside: 5 }));
  expect(ratioDesignEffect(equal)).toBe(1);
});

it('has an interval that holds the lift in 93 to 99 % of simulated texts', () => {
  const random = randomNumbers(8);
  const draws = 400;
  let held = 0;
  for (let draw = 0; draw < draws; draw++) {
    const groups = Array.from({ length: 24 }, (): TwoRates => {
      // Rates of 0.4 and 0.2 that differ from text to text alike.
      const own = 0.5 + random();
      const count = (tokens: number, rate: number): number =>
        Array.from({ length: tokens }).filter(() => random() < rate).length;
      return {
        inside: count(20, 0.4 * own),
        insideTokens: 20,
        outside: count(60, 0.2 * own),
        outsideTokens: 60
      };
    });
    const effect = ratioDesignEffect(groups);
    const { low, high } = liftInterval(sumOf(groups), [effect, effect], 23);
    held += low <= 1.6 && 1.6 <= high ? 1 : 0;
  }
  expect(held / draws).toBeGreaterThan(0.93);
  expect(held / draws).toBeLessThan(0.99);
});

it('has an interval within what a lift can be', () => {
  const only = { inside: 50, insideTokens: 50, outside: 0, outsideTokens: 150 };
  const { low, high } = liftInterval(only, [1, 1], 10);
  expect(high).toBeLessThanOrEqual(4);
  expect(high).toBeGreaterThan(3.99);
  expect(low).toBeGreaterThan(3);
  expect(liftInterval(only, [1, 1], 0)).toEqual({ low: 0, high: 4 });
});
