/** Assigns each expert one role from a trace, with the evidence for it. */
import {
  associations,
  isShown,
  type Association
} from '../findings/specialists';
import type { Thresholds } from '../findings/thresholds';
import type { TraceEvidence } from '../findings/trace-evidence';
import { generalists, upperBound, type RouterTally } from '../../measures';

export type Role =
  'specialist' | 'positional' | 'rare' | 'generalist' | 'unclear';

export interface ExpertRole {
  expert: number;
  role: Role;
  /** For specialists and positional experts: the token class, and its lift over chance. */
  category?: Association['category'];
  class?: string;
  slotShareOfExpert?: number;
  lift?: number;
  correctedP?: number;
}

/** Experts with at most this part of a balanced expert's tokens are rare. */
const RARE_PART = 0.25;

/**
 * Roles of all experts, by router. A specialist or positional expert has a token class that makes up enough of its
 * selections and is significant after correction for all tests; of several classes the one with the largest share counts,
 * so that classes are never added up. A rare expert has significantly few tokens; a generalist is selected together with
 * at least half of the other experts.
 */
export function expertRoles(
  evidence: TraceEvidence,
  thresholds: Thresholds
): Map<RouterTally, ExpertRole[]> {
  const found = associations(evidence, thresholds).filter(item =>
    isShown(item, thresholds.significance)
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
          .sort((a, b) => b.value - a.value);
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
        const bound = upperBound(
          router.effectiveCounts[expert],
          router.effectiveTokens
        );
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
