/**
 * Permutation test (Fisher 1935) of an expert against experts of the same load. Under the null hypothesis, experts of
 * one layer that process about as many tokens of a prompt are exchangeable. Drawing one of them per prompt, the tested
 * expert included, gives a random expert of the same load.
 */
import { monteCarloP } from '../../base/statistics/monte-carlo';
import { mean } from '../../base/statistics/summary';

/** The effect of ablating an expert in a prompt. */
export interface Observation {
  prompt: number;
  router: number;
  expert: number;
  /** Tokens that select the expert. */
  load: number;
  /** Whether the last token, whose output the criterion reads, selects it. */
  servesLast: boolean;
  /** Criterion, ablated minus original. */
  change: number;
}

export interface MatchedTest {
  /** Mean of the change over prompts. */
  change: number;
  /** Mean over draws of the absolute change from a random expert of the same load. */
  nullChange: number;
  p: number;
  /** The smallest p possible with these prompts and draws. */
  smallestP: number;
}

/** Loads count as equal up to this ratio. */
const MAX_LOAD_RATIO = 2;
/** Differences below this are rounding. */
const ROUNDING = 1e-9;

/**
 * @param own observations of the tested expert, one per prompt
 * @param all observations of its router, including `own`
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
          other.load <= MAX_LOAD_RATIO * one.load &&
          one.load <= MAX_LOAD_RATIO * other.load
      )
      .map(({ change }) => change)
  );
  const change = mean(own.map(one => one.change));
  const observed = Math.abs(change) * (1 - ROUNDING);
  // Prompts whose candidates all have the same change do not separate experts.
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
