import { randomNumbers } from '../../base/statistics/random';
import { Excess, type Compared } from './excess';
import { ExchangedControls } from './exchanged-controls';

const EFFECT: Compared[] = [3, 3.1, 2.9, 3.2, 2.8].map(change => ({
  change,
  matched: 0
}));
const scoreOf = (all: readonly Compared[]): number => Excess.of(all).score;

it('gives a consistent effect in five prompts the share 1/32', () => {
  const draws = new ExchangedControls([EFFECT], 20_000, randomNumbers(1));
  expect(Math.abs(draws.p(scoreOf(EFFECT)) - 1 / 32)).toBeLessThan(0.004);
  expect(draws.p(0)).toBe(1);
  expect(draws.p(Infinity)).toBe(1 / 20_001);
});

it('pools experts, so that p fits their number', () => {
  const random = randomNumbers(2);
  const others = Array.from({ length: 63 }, () =>
    Array.from({ length: 5 }, () => ({ change: random(), matched: random() }))
  );
  const draws = new ExchangedControls(
    [EFFECT, ...others],
    64_000,
    randomNumbers(3)
  );
  expect(draws.p(scoreOf(EFFECT)) * 64).toBeLessThan(0.06);
});

it('has the critical score of each level', () => {
  const random = randomNumbers(4);
  const experts = Array.from({ length: 20 }, () =>
    Array.from({ length: 8 }, () => ({
      change: random() - 0.5,
      matched: random() - 0.5
    }))
  );
  const draws = new ExchangedControls(experts, 999, randomNumbers(5));
  for (const level of [0.01, 0.05, 0.1]) {
    const critical = draws.critical(level)!;
    expect(draws.p(critical + 1e-9)).toBeLessThanOrEqual(level);
    expect(draws.p(critical)).toBeGreaterThan(level);
  }
  expect(draws.critical(0.0005)).toBeUndefined();
  expect(draws.critical(-1)).toBeUndefined();
});
