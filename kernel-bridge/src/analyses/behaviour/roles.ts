/** What each expert does, as far as a trace tells: one role an expert, with the evidence for it. */
import { associations, type Association } from '../findings/specialists';
import type { Thresholds } from '../findings/thresholds';
import type { TraceEvidence } from '../findings/trace-evidence';
import { generalists, upperBound, type RouterTally } from '../../measures';

export type Role =
  'specialist' | 'positional' | 'rare' | 'generalist' | 'unclear';

export interface ExpertRole {
  expert: number;
  role: Role;
  /** Of a specialist or a positional expert: the class of tokens, and how far from chance it is. */
  category?: Association['category'];
  class?: string;
  slotShareOfExpert?: number;
  lift?: number;
  correctedP?: number;
}

/** An expert with at most this part of a balanced expert's tokens is rare. */
const RARE_PART = 0.25;

/**
 * Roles of all experts by router. A specialist or positional expert has a class that makes up enough of its selections
 * and is beyond chance after correction for all tests made; of several the one with the largest share, so that classes are
 * never added up. A rare one is selected by few for sure, a generalist together with at least half of the others.
 */
export function expertRoles(
  evidence: TraceEvidence,
  { specialist_threshold, significance }: Thresholds
): Map<RouterTally, ExpertRole[]> {
  const found = associations(evidence, specialist_threshold).filter(
    ({ correctedP }) => correctedP < significance
  );
  const roles = new Map<RouterTally, ExpertRole[]>();
  for (const router of evidence.tally.routers) {
    const { experts, topK } = router.router;
    const general = new Set(generalists(router.pairs(), experts));
    roles.set(
      router,
      Array.from({ length: experts }, (_, expert): ExpertRole => {
        const [best] = found
          .filter(item => item.router === router && item.expert === expert)
          .sort((a, b) => b.slotShareOfExpert - a.slotShareOfExpert);
        if (best) {
          return {
            expert,
            role: best.category === 'position' ? 'positional' : 'specialist',
            category: best.category,
            class: best.className,
            slotShareOfExpert: best.slotShareOfExpert,
            lift: best.lift,
            correctedP: best.correctedP
          };
        }
        const bound = upperBound(router.counts[expert], router.tokens);
        const rare = bound < (RARE_PART * topK) / experts;
        return {
          expert,
          role: rare ? 'rare' : general.has(expert) ? 'generalist' : 'unclear'
        };
      })
    );
  }
  return roles;
}
