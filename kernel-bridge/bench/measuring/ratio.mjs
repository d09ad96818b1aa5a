/**
 * Ratios of running times on a machine that others use too. Two sessions of one file differ by a few percent, and a
 * machine's speed drifts, so: every block makes its sessions anew, one an arm; the arms take turns within a block, in
 * an order that rotates; what else runs on the machine only ever adds time, so a block compares the fastest run of each
 * arm; the interval is a bootstrap over blocks.
 */
import { median, quantile } from './report.mjs';

const RESAMPLES = 4000;

/** Milliseconds of some work: as a clock shows them, or as processors spent them in this process, worker included. */
export const timers = {
  elapsed: async work => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  },
  // What else runs on a machine hardly changes this, where nothing in the process waits by spinning.
  processor: async work => {
    const start = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  }
};

/**
 * @param arms by name, `async () => ({ run, release })`, `run` being what is timed
 * @param against the name of the arm that the others are divided by
 * @returns for each other arm { ratio, low, high }: the median over blocks with its 95 % interval
 */
export async function ratios(
  arms,
  against,
  { blocks, rounds, warmups = 1, timer = timers.elapsed }
) {
  const names = Object.keys(arms);
  const byBlock = Object.fromEntries(names.map(name => [name, []]));
  for (let block = 0; block < blocks; block++) {
    const order = rotated(names, block);
    const made = {};
    for (const name of order) {
      made[name] = await arms[name]();
    }
    const times = Object.fromEntries(names.map(name => [name, []]));
    for (let round = -warmups; round < rounds; round++) {
      for (const name of rotated(order, round + warmups)) {
        const time = await timer(() => made[name].run());
        if (round >= 0) {
          times[name].push(time);
        }
      }
    }
    for (const name of names) {
      byBlock[name].push(Math.min(...times[name]));
      await made[name].release();
    }
  }
  return Object.fromEntries(
    names
      .filter(name => name !== against)
      .map(name => [
        name,
        interval(byBlock[name].map((time, i) => time / byBlock[against][i]))
      ])
  );
}

/** The median of values with its 95 % bootstrap interval; always the same for the same values. */
export function interval(values) {
  let state = 12345;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)]))
  );
  return {
    ratio: median(values),
    low: quantile(medians, 0.025),
    high: quantile(medians, 0.975)
  };
}

const rotated = (list, by) => list.map((_, i) => list[(i + by) % list.length]);
