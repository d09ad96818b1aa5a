import { randomNumbers } from '../../base/statistics/random';
import { samplerOf, StratifiedSampler } from './token-sampling';

const PROMPTS = 4000;
const POSITIONS = 40;

/** How often each position of a prompt is captured, over many prompts. */
function counts(rate: number): number[] {
  const taken = Array<number>(POSITIONS).fill(0);
  for (let prompt = 0; prompt < PROMPTS; prompt++) {
    for (const position of samplerOf({ rate, seed: 5 }, prompt)!.choose(
      POSITIONS
    )) {
      taken[position]++;
    }
  }
  return taken;
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

describe('samplers', () => {
  it('capture each position of a prompt equally often', () => {
    // One of each four: multinomial with 3 degrees of freedom in each of 10 strata. The 0.1 % and 99.9 % points of
    // chi-square with 30 degrees of freedom, from R: qchisq(c(.001, .999), 30).
    const expected = PROMPTS / 4;
    const statistic = sum(
      counts(0.25).map(count => (count - expected) ** 2 / expected)
    );
    expect(statistic).toBeGreaterThan(11.588);
    expect(statistic).toBeLessThan(59.703);
  });

  it.each([0.05, 0.1, 0.3, 1 / 3, 0.7, 0.95])(
    'capture each position with the probability %d, whatever the strata',
    rate => {
      const error = Math.sqrt(rate * (1 - rate) * PROMPTS);
      const deviations = counts(rate).map(
        count => (count - rate * PROMPTS) / error
      );
      // The largest of 40 standard normal numbers is below 4.2 with a probability of 0.999.
      expect(Math.max(...deviations.map(Math.abs))).toBeLessThan(4.2);
      // Without bias in all of them together: their mean is normal with a variance of at most 1 / 40.
      expect(Math.abs(sum(deviations)) / POSITIONS).toBeLessThan(0.53);
    }
  );

  it('do not fall into step with a text whose rhythm is that of the sample', () => {
    const residues = [0, 0, 0, 0];
    const sampler = new StratifiedSampler(0.25, randomNumbers(3));
    sampler.choose(40_000).forEach(position => residues[position % 4]++);
    // A fixed stride has all 10,000 in one. 99.9 % point of chi-square with 3 degrees of freedom: 16.27.
    expect(sum(residues.map(count => (count - 2500) ** 2 / 2500))).toBeLessThan(
      16.27
    );
    expect(sum(residues)).toBe(10_000);
  });

  it('choose the same tokens in one go as one by one, and with the same seed', () => {
    const whole = samplerOf({ rate: 0.3, seed: 9 }, 2)!.choose(200);
    const sampler = samplerOf({ rate: 0.3, seed: 9 }, 2)!;
    const single = Array.from({ length: 200 }, (_, i) => i).filter(
      () => sampler.choose(1).length === 1
    );
    expect(single).toEqual(whole);
    expect(samplerOf({ rate: 0.3, seed: 10 }, 2)!.choose(200)).not.toEqual(
      whole
    );
    expect(samplerOf({ rate: 0.3, seed: 9 }, 3)!.choose(200)).not.toEqual(
      whole
    );
    expect(
      samplerOf({ rate: 0.3, seed: 9 }, 2, 'encoder')!.choose(200)
    ).not.toEqual(whole);
  });

  it('are not needed where all is captured, and choose nothing at a rate of 0', () => {
    expect(samplerOf(undefined, 0)).toBeUndefined();
    expect(samplerOf({ rate: 1 }, 0)).toBeUndefined();
    expect(samplerOf({ rate: 0 }, 0)!.choose(1000)).toEqual([]);
  });
});
