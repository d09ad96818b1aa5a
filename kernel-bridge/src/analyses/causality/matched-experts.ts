/**
 * Is it this expert, or would any of its load have done? Under the null a prompt's experts of one layer that serve about
 * as many tokens can be exchanged for one another. An expert drawn at random from them, prompt by prompt, makes a random
 * expert of the same load; the expert itself is among them, so that this is a permutation test (Fisher 1935).
 */
import { monteCarloP } from '../../base/statistics/monte-carlo';
import { mean } from '../../base/statistics/summary';

/** An expert taken away while a prompt ran. */
export interface Observation {
  prompt: number;
  router: number;
  expert: number;
  /** Tokens that chose the expert. */
  load: number;
  /** Whether the last token did, on whose output a criterion is asked. */
  servesLast: boolean;
  /** Of the criterion, ablated minus original. */
  change: number;
}

export interface MatchedTest {
  /** Mean of the change over prompts. */
  change: number;
  /** Mean over draws of the size of the change that a random expert of the same load makes. */
  nullChange: number;
  p: number;
  /** The least that `p` could have come to with these prompts and draws. */
  smallestP: number;
}

/** Loads that differ by no more than this factor are alike. */
const ALIKE = 2;
/** Differences that rounding makes are none. */
const ROUNDING = 1e-9;

/**
 * @param own one observation a prompt of the expert that is tested
 * @param all observations of its router, those of `own` among them
 * @param random in [0, 1)
 */
export function matchedTest(
  own: readonly Observation[],
  all: readonly Observation[],
  draws: number,
  random: () => number
): MatchedTest {
  const byPrompt = new Map<number, Observation[]>();
  for (const one of all) {
    byPrompt.set(one.prompt, [...(byPrompt.get(one.prompt) ?? []), one]);
  }
  const pools = own.map(one =>
    byPrompt
      .get(one.prompt)!
      .filter(
        other =>
          other.servesLast === one.servesLast &&
          (other.load === 0) === (one.load === 0) &&
          other.load <= ALIKE * one.load &&
          one.load <= ALIKE * other.load
      )
      .map(({ change }) => change)
  );
  const change = mean(own.map(one => one.change));
  const observed = Math.abs(change) * (1 - ROUNDING);
  // Prompts in which nothing that could be drawn differs do not tell experts apart.
  const choices = pools.reduce(
    (product, pool) =>
      product * (pool.every(value => value === pool[0]) ? 1 : pool.length),
    1
  );
  let exceeded = 0;
  let sum = 0;
  for (let draw = 0; draw < draws; draw++) {
    const size = Math.abs(
      mean(pools.map(pool => pool[Math.floor(random() * pool.length)]))
    );
    sum += size;
    exceeded += size >= observed ? 1 : 0;
  }
  return {
    change,
    nullChange: sum / draws,
    p: monteCarloP(exceeded, draws),
    smallestP: Math.max(1 / (draws + 1), 1 / choices)
  };
}
