/** Where an ablation can show, read from how the model routes without it. */
import type { RoutingLayer, SweepMode } from '../../base/protocol';
import type { Convention, Router } from '../../routing/convention';

export interface Reach {
  /** Tokens that chose the expert. */
  tokens: number;
  /** The first position of the output that can change; undefined when none can. */
  first: number | undefined;
}

/**
 * An ablation changes what the tokens do that chose the expert, and through attention what comes after them. It also
 * changes the weights of tokens that did not choose it where those are shares among all experts.
 *
 * @param layer the routing of one prompt at `router`, without edits
 */
export function reachOf(
  router: Pick<Router, 'convention' | 'tensors'>,
  layer: Pick<RoutingLayer, 'selected' | 'weights' | 'topK' | 'stack'>,
  expert: number,
  mode: SweepMode
): Reach {
  let tokens = 0;
  let first: number | undefined;
  layer.selected.forEach((selected, slot) => {
    if (selected === expert) {
      tokens++;
      // A term of weight 0 is gone already.
      if (mode === 'mask' || layer.weights[slot] !== 0) {
        first ??= Math.floor(slot / layer.topK);
      }
    }
  });
  if (mode === 'mask' && sharesScores(router.convention)) {
    first = 0;
  }
  if (first === undefined) {
    return { tokens, first };
  }
  // Every token of a decoder reads what its encoder wrote; and who is dropped over capacity may stand earlier.
  const anywhere =
    layer.stack === 'encoder' ||
    router.convention.capacity !== undefined ||
    router.tensors.kept !== undefined;
  return { tokens, first: anywhere ? 0 : first };
}

/** Whether a token's weights or choice depend on the logits of experts that it does not choose. */
function sharesScores({
  score,
  scoreBeforeTopK,
  renormalized,
  epsilon,
  groups,
  sparsemixer
}: Convention): boolean {
  return (
    groups !== undefined ||
    sparsemixer !== undefined ||
    (score === 'softmax' &&
      scoreBeforeTopK &&
      (!renormalized || (epsilon ?? 0) > NEGLIGIBLE))
  );
}

/** Added to a sum of shares of 1: below this it changes no digit that is compared. */
const NEGLIGIBLE = 1e-9;
