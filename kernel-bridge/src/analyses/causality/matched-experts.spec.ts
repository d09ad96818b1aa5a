import { randomNumbers } from '../../base/statistics/random';
import { matchedTest, type Observation } from './matched-experts';

describe('matchedTest', () => {
  /** `change(prompt, expert)` of four experts over prompts. */
  function observe(
    prompts: number,
    change: (prompt: number, expert: number) => number,
    load: (prompt: number, expert: number) => number = () => 4
  ): Observation[] {
    return Array.from({ length: prompts * 4 }, (_, i) => ({
      prompt: Math.floor(i / 4),
      router: 0,
      expert: i % 4,
      load: load(Math.floor(i / 4), i % 4),
      servesLast: false,
      change: change(Math.floor(i / 4), i % 4)
    }));
  }
  const test = (all: Observation[], expert: number, draws = 9999) =>
    matchedTest(
      all.filter(one => one.expert === expert),
      all,
      draws,
      randomNumbers(1)
    );

  it('finds the expert with a constant effect, at the smallest possible p', () => {
    const three = observe(3, (_, expert) => (expert === 2 ? -1 : 0));
    const found = test(three, 2);
    expect(found.change).toBe(-1);
    // All three draws must be the expert itself: 1 of 4 to the third.
    expect(found.smallestP).toBe(1 / 64);
    expect(found.p).toBeCloseTo(1 / 64, 2);
    expect(test(three, 0).p).toBe(1);
    const ten = observe(10, (_, expert) => (expert === 2 ? -1 : 0));
    expect(test(ten, 2).p).toBe(1 / 10000);
    expect(test(ten, 2, 99).smallestP).toBe(1 / 100);
  });

  it('compares only with experts of similar load', () => {
    const all = observe(
      10,
      (_, expert) => (expert === 2 ? -1 : 0),
      (_, expert) => (expert === 2 ? 20 : 2)
    );
    expect(test(all, 2)).toMatchObject({ p: 1, smallestP: 1 });
  });

  it('returns uniform p-values where experts are exchangeable', () => {
    const random = randomNumbers(7);
    const values = Array.from({ length: 100 }, () => {
      const all = observe(12, () => random() - 0.5);
      return test(all, 1, 199).p;
    });
    const share = (below: number): number =>
      values.filter(p => p <= below).length / values.length;
    // Three standard deviations of a binomial share of 100.
    expect(Math.abs(share(0.5) - 0.5)).toBeLessThan(0.15);
    expect(share(0.05)).toBeLessThan(0.05 + 0.066);
  });
});
