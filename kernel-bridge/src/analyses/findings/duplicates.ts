/** Finds duplicate and near-duplicate experts. */
import { cited } from '../../measures';
import type { ExpertSurvey } from './expert-survey';
import { placeOf, type Finding } from './finding';
import type { Thresholds } from './thresholds';

/** Largest difference that half-precision rounding leaves between equal weights. */
const EQUAL = 1e-3;

/**
 * Groups of pairwise similar experts. ||a - b|| over their root mean square norm is sqrt(2 (1 - cosine)) for vectors of
 * equal norm, so one threshold serves both.
 */
export function duplicateExperts(
  survey: ExpertSurvey,
  { duplicate_similarity_threshold: threshold }: Thresholds
): Finding[] {
  const largest = Math.sqrt(2 * (1 - threshold));
  const alike = survey.pairs.filter(pair => pair.relativeDifference <= largest);
  const exact = alike.filter(pair => pair.relativeDifference <= EQUAL);
  const equalGroups = connected(exact.map(({ experts }) => experts));
  const grouped = new Set(equalGroups.flat());
  const nearGroups = connected(
    alike
      .filter(pair => pair.relativeDifference > EQUAL)
      .map(({ experts }) => experts)
  );
  return [
    ...equalGroups.map(group => finding(survey, group, true, largest)),
    ...nearGroups
      .filter(group => group.some(e => !grouped.has(e)))
      .map(group => finding(survey, group, false, largest))
  ];
}

function finding(
  survey: ExpertSurvey,
  group: number[],
  exact: boolean,
  threshold: number
): Finding {
  const within = survey.pairs.filter(({ experts }) =>
    experts.every(e => group.includes(e))
  );
  const value = Math.max(...within.map(pair => pair.relativeDifference));
  const [kept, ...rest] = group;
  const of = survey.of ?? 'weights';
  return {
    kind: 'duplicate-experts',
    severity: 'warning',
    ...placeOf(survey),
    experts: group,
    ...cited(
      of === 'weights' ? 'relativeWeightDifference' : 'relativeOutputDifference'
    ),
    value,
    threshold,
    message: exact
      ? `experts ${group.join(', ')} have the same ${of}`
      : `experts ${group.join(', ')} have nearly the same ${of}: they differ by ${(100 * value).toFixed(2)} % of their norm`,
    evidence: {
      exact,
      pairs: within.map(pair => ({
        experts: pair.experts,
        relativeDifference: pair.relativeDifference,
        cosine:
          survey.similarity[pair.experts[0] * survey.experts + pair.experts[1]]
      }))
    },
    suggestions: [
      {
        action: 'merge',
        text: `route what selects ${rest.join(', ')} to ${kept}: ${exact ? 'the output stays the same where weights add up' : 'measure the effect with ablate by swap first'}`,
        data: { into: kept, from: rest }
      }
    ]
  };
}

/** Connected components of a set of pairs, each ascending. */
export function connected(pairs: readonly [number, number][]): number[][] {
  const groups: Set<number>[] = [];
  for (const pair of pairs) {
    const touching = groups.filter(group => pair.some(e => group.has(e)));
    const merged = new Set([...pair, ...touching.flatMap(g => [...g])]);
    touching.forEach(group => groups.splice(groups.indexOf(group), 1));
    groups.push(merged);
  }
  return groups.map(group => [...group].sort((a, b) => a - b));
}
