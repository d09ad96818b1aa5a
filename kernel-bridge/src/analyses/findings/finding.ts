/** What `diagnose` says, in JSON. */
import type { RouterIdentity } from '../../base/protocol';

export type {
  Finding,
  FindingKind,
  Severity,
  Suggestion,
  TokenEvidence,
  Undecided
} from '../../base/protocol';

export type Place = Pick<RouterIdentity, 'layer' | 'stack' | 'module'>;

export function placeOf({ layer, stack, module }: Place): Place {
  return { layer, ...(stack ? { stack } : {}), ...(module ? { module } : {}) };
}

/** JSON has no NaN. */
export function numberOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
