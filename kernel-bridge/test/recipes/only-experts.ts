import type { Edits } from '../../src/run/edits/edits';

/** The edit "only these experts of a layer": all others are masked, so that the best of these enter. */
export function onlyExperts(
  layer: number,
  keep: readonly number[],
  experts: number
): Edits {
  return {
    ablate: Array.from({ length: experts }, (_, expert) => expert)
      .filter(expert => !keep.includes(expert))
      .map(expert => ({ layer, expert, mode: 'mask' as const }))
  };
}
