/** Joins the edits that a model has with more of them. */
import type { RouterPlace } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import type { Edits } from './edits';

/** Contradictions between the two are found when the result is resolved. */
export function joinEdits(
  base: Edits,
  more: Edits,
  routers: readonly Router[]
): Edits {
  const lists = [base, more].map(({ topK, ...edits }) => ({
    ...edits,
    topK: byRouter(topK, routers)
  }));
  const [a, b] = lists;
  return {
    ablate: [...(a.ablate ?? []), ...(b.ablate ?? [])],
    force: [...(a.force ?? []), ...(b.force ?? [])],
    topK: [...a.topK, ...b.topK],
    bias: [...(a.bias ?? []), ...(b.bias ?? [])],
    selectionBias: [...(a.selectionBias ?? []), ...(b.selectionBias ?? [])],
    scale: [...(a.scale ?? []), ...(b.scale ?? [])],
    steer: [...(a.steer ?? []), ...(b.steer ?? [])]
  };
}

function byRouter(
  topK: Edits['topK'] = [],
  routers: readonly Router[]
): readonly (RouterPlace & { k: number })[] {
  return typeof topK === 'number'
    ? routers.map(({ layer, stack, module }) => ({
        layer,
        ...(stack ? { stack } : {}),
        ...(module ? { module } : {}),
        k: topK
      }))
    : topK;
}
