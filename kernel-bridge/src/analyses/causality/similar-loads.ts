/**
 * Controls where tokens have no second expert to ablate, or a criterion cannot be run on single tokens: other experts of the
 * router that take about as many tokens, and the last token where the expert does.
 */
import { mean } from '../../base/statistics/summary';
import type { Control, Observation } from './test-experts';

export interface Loaded extends Observation {
  /** Whether the last token, whose output the criterion reads, selects the expert. */
  servesLast: boolean;
}

/** Loads count as similar up to this ratio. */
const MAX_LOAD_RATIO = 2;

/**
 * Gives controls to observations without one: of the same prompt, else one of another prompt, which is used once for each
 * expert, so that prompts stay independent.
 */
export function similarLoads(all: readonly Loaded[]): Observation[] {
  const active = all.filter(({ load }) => load > 0);
  const byRouter = groupBy(active, ({ router }) => router);
  const byPrompt = groupBy(active, promptOf);
  const used = new Map<string, Set<Loaded>>();
  return all.map(one => {
    if (one.control || one.load === 0) {
      return one;
    }
    const here = byPrompt.get(promptOf(one))!.filter(other => like(one, other));
    if (here.length > 0) {
      return { ...one, control: controlBy(one, here) };
    }
    const key = `${one.router}/${one.expert}`;
    const taken = used.get(key) ?? new Set();
    used.set(key, taken);
    const [nearest] = byRouter
      .get(one.router)!
      .filter(other => like(one, other) && !taken.has(other))
      .sort((a, b) => distance(one, a) - distance(one, b));
    if (!nearest) {
      return one;
    }
    taken.add(nearest);
    return { ...one, control: controlBy(one, [nearest]) };
  });
}

const promptOf = ({ router, prompt }: Loaded): string => `${router}/${prompt}`;

const like = (one: Loaded, other: Loaded): boolean =>
  other.expert !== one.expert &&
  other.servesLast === one.servesLast &&
  other.load <= MAX_LOAD_RATIO * one.load &&
  one.load <= MAX_LOAD_RATIO * other.load;

const distance = (one: Loaded, other: Loaded): number =>
  Math.abs(Math.log(other.load / one.load));

const controlBy = (one: Loaded, others: readonly Loaded[]): Control => ({
  change: mean(others.map(({ change }) => change)),
  weight: mean(others.map(({ load }) => load)) / one.load
});

function groupBy<K>(
  all: readonly Loaded[],
  keyOf: (one: Loaded) => K
): Map<K, Loaded[]> {
  const groups = new Map<K, Loaded[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) {
      group.push(one);
    } else {
      groups.set(keyOf(one), [one]);
    }
  }
  return groups;
}
