/** Converts a plan to edits. */
import type { Edits } from '../../run/edits/edits';
import type { LayerPlan } from './compression-document';

/**
 * Pruned experts are masked, so that tokens select substitutes as in a pruned model. A merged expert is swapped: it is
 * selected as before, and its merge target runs with its weight. The target keeps its own weights; nothing is averaged.
 * Where the graph does not support a swap, merged experts are masked.
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
