/** JSON types of findings. */
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

/** Selected numbers, or lists of numbers, of an object as JSON. */
export function numbersOf<Name extends string>(
  values: Readonly<Record<Name, number>>,
  names: readonly Name[]
): Record<Name, number | null> {
  return Object.fromEntries(
    names.map(name => [name, numberOrNull(values[name])])
  ) as Record<Name, number | null>;
}

export function listsOf<Name extends string>(
  values: Readonly<Record<Name, ArrayLike<number>>>,
  names: readonly Name[]
): Record<Name, (number | null)[]> {
  return Object.fromEntries(
    names.map(name => [name, Array.from(values[name], numberOrNull)])
  ) as Record<Name, (number | null)[]>;
}
