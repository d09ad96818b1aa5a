/** The pairs of experts of a layer that a plan shows: the most alike ones of each expert. */
import type { PairLikeness, PairRow } from './compression-document';
import type { LayerDecision, LayerEvidence } from './decide';
import { likeness, mergeChange, type ExpertLikeness } from './expert-likeness';

export interface PairSettings {
  mergeDifference: number;
  superExperts: readonly number[];
}

/** By outputs, by weights and by tokens, of each expert the other that is most like it. */
export function pairRows(
  evidence: LayerEvidence,
  decision: LayerDecision,
  settings: PairSettings
): PairRow[] {
  const { experts, pairs, weights } = evidence;
  if (!pairs) {
    return [];
  }
  const shown = new Map<string, [number, number]>();
  const add = (a: number, b: number): void => {
    const pair: [number, number] = a < b ? [a, b] : [b, a];
    shown.set(pair.join(), pair);
  };
  decision.merge.forEach(({ expert, into }) => add(expert, into));
  for (let expert = 0; expert < experts; expert++) {
    const others = Array.from({ length: experts }, (_, e) => e)
      .filter(other => other !== expert)
      .map(other => ({ other, ...likeness(expert, other, pairs, weights) }));
    for (const distance of DISTANCES) {
      const known = others.filter(own => Number.isFinite(distance(own)));
      known.sort((a, b) => distance(a) - distance(b));
      if (known.length > 0) {
        add(expert, known[0].other);
      }
    }
  }
  return [...shown.values()]
    .sort(([a, b], [c, d]) => a - c || b - d)
    .map(pair => {
      const own = likeness(...pair, pairs, weights);
      const merged = decision.merge.some(
        ({ expert, into }) => pair.includes(expert) && pair.includes(into)
      );
      return {
        experts: pair,
        ...pairLikeness(own),
        merged,
        reason: merged ? null : reasonOf(pair, own, evidence, settings)
      };
    });
}

export function pairLikeness({
  tokens,
  difference,
  cosine,
  jaccard,
  weights
}: ExpertLikeness): PairLikeness {
  return {
    difference: known(difference),
    cosine: known(cosine),
    tokens,
    weights: weights ?? null,
    jaccard: known(jaccard)
  };
}

export function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

const DISTANCES: readonly ((pair: ExpertLikeness) => number)[] = [
  ({ difference }) => difference,
  ({ weights }) => weights?.difference ?? NaN,
  // Without a token in common there is no overlap to show.
  ({ jaccard }) => (jaccard > 0 ? -jaccard : NaN)
];

function reasonOf(
  [a, b]: readonly [number, number],
  own: ExpertLikeness,
  { kinds }: LayerEvidence,
  { mergeDifference, superExperts }: PairSettings
): PairRow['reason'] {
  const change = mergeChange(own);
  return superExperts.includes(a) || superExperts.includes(b)
    ? 'super expert'
    : Number.isNaN(change)
      ? 'likeness unknown'
      : change > mergeDifference
        ? 'unlike'
        : kinds?.[a] !== kinds?.[b]
          ? 'of different kinds'
          : 'not needed';
}
