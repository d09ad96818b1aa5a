/** Which experts of a layer stay, which are pruned and which merged, from what was measured of them. */
import type { ExpertImportance, KeptSet } from '../../measures';
import type { ExpertPairs } from './expert-pairs';
import { CRITERIA, type CompressionCriterion } from './options';

/** What was measured of a layer on the calibration prompts. */
export interface LayerEvidence {
  experts: number;
  tokens: number;
  importance: Pick<ExpertImportance, 'counts' | 'gateSum'> &
    Partial<Pick<ExpertImportance, 'reap' | 'ean'>>;
  /** Absent where the outputs of experts are not known. */
  pairs?: ExpertPairs;
  /** Kept sets of as many experts as stay, the smallest error first. */
  naee?: readonly KeptSet[];
}

export interface Merge {
  expert: number;
  into: number;
}

/** One expert that some criteria would remove and others keep. */
export interface Disagreement {
  expert: number;
  removedBy: CompressionCriterion[];
  keptBy: CompressionCriterion[];
}

export interface LayerDecision {
  keep: number[];
  prune: number[];
  merge: Merge[];
  /** What decided: not what was asked for where the layer does not give that. */
  by: CompressionCriterion;
  /** What each criterion alone would remove; null where it is not known. */
  removals: Record<CompressionCriterion, number[] | null>;
  disagreements: Disagreement[];
}

export function decide(
  evidence: LayerEvidence,
  kept: number,
  { by, mergeDifference }: { by: CompressionCriterion; mergeDifference: number }
): LayerDecision {
  const all = Array.from({ length: evidence.experts }, (_, e) => e);
  const count = evidence.experts - kept;
  const removals = Object.fromEntries(
    CRITERIA.map(criterion => [criterion, removal(evidence, criterion, count)])
  ) as LayerDecision['removals'];
  const deciding = removals[by] ? by : 'frequency';
  const merge = closest(evidence, count, mergeDifference, true);
  const merged = new Set(merge.map(({ expert }) => expert));
  const targets = new Set(merge.map(({ into }) => into));
  const prune = removal(
    evidence,
    deciding,
    count - merged.size,
    merged,
    targets
  )!;
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
 * What a criterion removes.
 * @param gone experts that are removed already
 * @param stay experts that must stay
 * @returns null where the criterion is not known
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
    const first = closest(evidence, count, Infinity, false, gone, stay).map(
      ({ expert }) => expert
    );
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

/** The lowest score first; one that no token chose has none, and comes first; of equal ones the later expert. */
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

/**
 * Greedily the pair whose outputs differ least, of which the expert that fewer tokens chose goes into the other.
 * @param keepTargets whether what others went into stays
 */
function closest(
  { experts, pairs, importance }: LayerEvidence,
  count: number,
  limit: number,
  keepTargets: boolean,
  removed: ReadonlySet<number> = new Set(),
  stay: ReadonlySet<number> = new Set()
): Merge[] {
  const gone = new Set(removed);
  const fixed = new Set(stay);
  const merges: Merge[] = [];
  const { counts } = importance;
  const found: { a: number; b: number; difference: number }[] = [];
  for (let a = 0; pairs && a < experts; a++) {
    for (let b = a + 1; b < experts; b++) {
      const { difference } = pairs.of(a, b);
      if (difference <= limit) {
        found.push({ a, b, difference });
      }
    }
  }
  found.sort((one, other) => one.difference - other.difference);
  for (const { a, b } of found) {
    if (merges.length === count) {
      break;
    }
    if (gone.has(a) || gone.has(b) || (fixed.has(a) && fixed.has(b))) {
      continue;
    }
    const goes = fixed.has(a)
      ? b
      : fixed.has(b)
        ? a
        : counts[a] < counts[b]
          ? a
          : b;
    const into = goes === a ? b : a;
    if (keepTargets && !fixed.has(into) && fixed.size === experts - count) {
      continue;
    }
    merges.push({ expert: goes, into });
    gone.add(goes);
    if (keepTargets) {
      fixed.add(into);
    }
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
