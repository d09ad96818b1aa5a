/** A plan as edits. */
import type { Edits } from '../../run/edits/edits';
import type { LayerPlan } from './compression-document';

/**
 * Pruned experts are masked, so that substitutes enter as they would without them; a merged one is chosen as before,
 * and what it was merged into runs at its weight. Both experts' weights are not averaged: the kept one's stand.
 * Where the graph takes no swap, merged experts are masked.
 */
export function planEdits(
  layers: readonly Pick<
    LayerPlan,
    'layer' | 'stack' | 'module' | 'prune' | 'merge' | 'mergedBy'
  >[]
): Edits {
  return {
    ablate: layers.flatMap(
      ({ layer, stack, module, prune, merge, mergedBy }) => {
        const place = {
          layer,
          ...(stack ? { stack } : {}),
          ...(module ? { module } : {})
        };
        return [
          ...prune.map(expert => ({ ...place, expert, mode: 'mask' as const })),
          ...merge.map(({ expert, into }) => ({
            ...place,
            expert,
            ...(mergedBy === 'swap'
              ? { mode: mergedBy, to: into }
              : { mode: mergedBy })
          }))
        ];
      }
    )
  };
}
