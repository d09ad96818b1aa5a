/** Decides which experts of a layer to keep, prune and merge, from their measurements. */
import type { ExpertImportance, KeptSet } from '../../measures';
import type { ExpertKind } from './expert-kinds';
import {
  likeness,
  mergeChange,
  mergeCost,
  type WeightPairs
} from './expert-likeness';
import type { ExpertPairs } from './expert-pairs';
import { CRITERIA, type CompressionCriterion } from './options';

/** Measurements of a layer on the calibration prompts. */
export interface LayerEvidence {
  experts: number;
  tokens: number;
  importance: Pick<ExpertImportance, 'counts' | 'gateSum'> &
    Partial<Pick<ExpertImportance, 'reap' | 'ean'>>;
  /** Absent where expert outputs are unknown. */
  pairs?: ExpertPairs;
  /** Absent where the graph does not tell the experts' weights apart. */
  weights?: WeightPairs;
  /** The largest |value| of each expert's output over the tokens that select it; NaN where unknown. [E] */
  peaks?: Float64Array;
  /** What each expert is; experts of different kinds are not merged. Absent where outputs are unknown. */
  kinds?: readonly (ExpertKind | undefined)[];
  /** Kept sets of the target size, smallest error first. */
  naee?: readonly KeptSet[];
}

export interface Merge {
  expert: number;
  into: number;
}

/** An expert that some criteria would remove and others keep. */
export interface Disagreement {
  expert: number;
  removedBy: CompressionCriterion[];
  keptBy: CompressionCriterion[];
}

export interface LayerDecision {
  keep: number[];
  prune: number[];
  merge: Merge[];
  /** The criterion that was applied; not the requested one where the layer does not provide that. */
  by: CompressionCriterion;
  /** What each criterion alone would remove; null where it is unknown. */
  removals: Record<CompressionCriterion, number[] | null>;
  disagreements: Disagreement[];
}

export interface DecisionSettings {
  by: CompressionCriterion;
  mergeDifference: number;
  /** Experts that are neither pruned nor merged, at most as many as are kept. */
  protect?: readonly number[];
}

export function decide(
  evidence: LayerEvidence,
  kept: number,
  { by, mergeDifference, protect = [] }: DecisionSettings
): LayerDecision {
  const all = Array.from({ length: evidence.experts }, (_, e) => e);
  const count = evidence.experts - kept;
  const removals = Object.fromEntries(
    CRITERIA.map(criterion => [criterion, removal(evidence, criterion, count)])
  ) as LayerDecision['removals'];
  const deciding = removals[by] ? by : 'frequency';
  const apart = new Set(protect);
  const merge = closest(evidence, count, {
    limit: mergeDifference,
    keepTargets: true,
    apart
  });
  const merged = new Set(merge.map(({ expert }) => expert));
  const stay = new Set([...apart, ...merge.map(({ into }) => into)]);
  const prune = removal(evidence, deciding, count - merged.size, merged, stay)!;
  const gone = new Set([...merged, ...prune]);
  return {
    keep: all.filter(e => !gone.has(e)),
    prune: ascending(prune),
    merge,
    by: deciding,
    removals,
    disagreements: disagreements(all, removals)
  };
}

/**
 * Experts that a criterion removes.
 * @param gone experts already removed
 * @param stay experts that must stay
 * @returns null where the criterion is unknown
 */
function removal(
  evidence: LayerEvidence,
  criterion: CompressionCriterion,
  count: number,
  gone: ReadonlySet<number> = new Set(),
  stay: ReadonlySet<number> = new Set()
): number[] | null {
  const { experts, pairs, naee } = evidence;
  const free = Array.from({ length: experts }, (_, e) => e).filter(
    e => !gone.has(e) && !stay.has(e)
  );
  if (criterion === 'naee') {
    const best = naee?.find(
      ({ experts: kept }) =>
        [...stay].every(e => kept.includes(e)) && !kept.some(e => gone.has(e))
    );
    return best ? free.filter(e => !best.experts.includes(e)) : null;
  }
  if (criterion === 'overlap') {
    if (!pairs) {
      return null;
    }
    const first = closest(evidence, count, {
      limit: Infinity,
      keepTargets: false,
      removed: gone,
      stay
    }).map(({ expert }) => expert);
    const rest = lowest(evidence.importance.counts, free).filter(
      e => !first.includes(e)
    );
    return ascending([...first, ...rest].slice(0, count));
  }
  const scores = scoresOf(evidence, criterion);
  return scores && ascending(lowest(scores, free).slice(0, count));
}

function scoresOf(
  { importance }: LayerEvidence,
  criterion: 'frequency' | 'reap' | 'ean'
): Float64Array | null {
  return (
    (criterion === 'frequency' ? importance.counts : importance[criterion]) ??
    null
  );
}

/** Experts by ascending score. Unselected experts have no score and come first; of equal ones the later expert comes first. */
function lowest(
  scores: ArrayLike<number>,
  experts: readonly number[]
): number[] {
  const at = (e: number): number =>
    Number.isNaN(scores[e]) ? -Infinity : scores[e];
  return [...experts].sort((a, b) =>
    at(a) === at(b) ? b - a : at(a) < at(b) ? -1 : 1
  );
}

interface MergeRules {
  /** Merge experts whose change is at most this. */
  limit: number;
  /** Whether merge targets stay. */
  keepTargets: boolean;
  removed?: ReadonlySet<number>;
  /** Experts that do not go, and those that nothing goes into either. */
  stay?: ReadonlySet<number>;
  apart?: ReadonlySet<number>;
}

const NONE: ReadonlySet<number> = new Set();

/**
 * Repeatedly merges the pair of the least cost: the expert with fewer tokens goes into the other, and what was merged
 * into it goes along. Of pairs of the same cost the one whose expert has the fewest tokens comes first; of two experts
 * with as many tokens the later one goes.
 */
function closest(
  { experts, pairs, weights, kinds, importance }: LayerEvidence,
  count: number,
  { limit, keepTargets, removed = NONE, stay = NONE, apart = NONE }: MergeRules
): Merge[] {
  const gone = new Set(removed);
  const { counts } = importance;
  const similar = (a: number, b: number): boolean =>
    mergeChange(likeness(a, b, pairs!, weights)) <= limit;
  const found: (Merge & { cost: number })[] = [];
  for (let a = 0; pairs && a < experts; a++) {
    for (let b = a + 1; b < experts; b++) {
      if (
        kinds?.[a] === kinds?.[b] &&
        !apart.has(a) &&
        !apart.has(b) &&
        similar(a, b)
      ) {
        const [expert, into] = counts[a] < counts[b] ? [a, b] : [b, a];
        found.push({
          expert,
          into,
          cost: mergeCost(likeness(a, b, pairs, weights))
        });
      }
    }
  }
  found.sort(
    (one, other) =>
      one.cost - other.cost || counts[one.expert] - counts[other.expert]
  );
  const merges: Merge[] = [];
  for (const { expert, into } of found) {
    if (merges.length === count) {
      break;
    }
    if (gone.has(expert) || gone.has(into) || stay.has(expert)) {
      continue;
    }
    const along = keepTargets
      ? merges.filter(merge => merge.into === expert)
      : [];
    const targets = new Set(merges.map(merge => merge.into));
    targets.delete(expert);
    targets.add(into);
    if (
      along.some(merge => !similar(merge.expert, into)) ||
      (keepTargets && targets.size + apart.size > experts - count)
    ) {
      continue;
    }
    along.forEach(merge => (merge.into = into));
    merges.push({ expert, into });
    gone.add(expert);
  }
  return merges;
}

function disagreements(
  experts: readonly number[],
  removals: LayerDecision['removals']
): Disagreement[] {
  return experts.flatMap(expert => {
    const known = CRITERIA.filter(criterion => removals[criterion]);
    const removes = (criterion: CompressionCriterion): boolean =>
      removals[criterion]!.includes(expert);
    const removedBy = known.filter(removes);
    const keptBy = known.filter(criterion => !removes(criterion));
    return removedBy.length > 0 && keptBy.length > 0
      ? [{ expert, removedBy, keptBy }]
      : [];
  });
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
