import { placeOf, type Finding } from '../../src/analyses/findings/finding';
import type { RouterTally } from '../../src/measures';

/** Half of a layer's experts were never selected, though each was due `least` tokens if all were alike. */
export function idleHalf(
  { router, counts, tokens }: RouterTally,
  least = 20
): Finding[] {
  const due = (tokens * router.topK) / router.experts;
  const idle = Array.from(counts).flatMap((n, expert) =>
    n === 0 ? [expert] : []
  );
  // Too few tokens to tell: no finding, and no claim that all is well.
  if (due < least || idle.length < router.experts / 2) {
    return [];
  }
  return [
    {
      kind: 'load-imbalance',
      severity: 'warning',
      ...placeOf(router),
      experts: idle,
      metric: 'idleShare',
      formula: 'experts with c_e = 0, divided by E',
      value: idle.length / router.experts,
      threshold: 0.5,
      message: `${idle.length} of ${router.experts} experts were never selected`,
      evidence: { tokensSeen: tokens, tokensDue: due },
      suggestions: []
    }
  ];
}
