/** Determines which positions an ablation can affect, from the routing without it. */
import type { RoutingLayer, SweepMode } from '../../base/protocol';
import type { Convention, Router } from '../../routing/convention';
import type { Edits } from '../../run/edits/edits';
import { overrulesChoice } from './edited-base';

export interface Reach {
  /** Tokens that select the expert. */
  tokens: number;
  /** First output position that can change; undefined if none can. */
  first: number | undefined;
}

/**
 * An ablation affects the tokens that select the expert and, through causal attention, later tokens. It also changes the weights
 * of other tokens if those are normalised over all experts.
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
      // An expert of weight 0 already adds nothing.
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
  // Every decoder token reads the encoder's output, and capacity may drop earlier tokens.
  const anywhere =
    layer.stack === 'encoder' ||
    router.convention.capacity !== undefined ||
    router.tensors.kept !== undefined;
  return { tokens, first: anywhere ? 0 : first };
}

/**
 * Whether an ablation on top of other edits can change any output of a prompt: one that cannot needs no run.
 *
 * @param layer the routing of the prompt at `router`, with these edits
 */
export function canReach(
  routers: readonly Router[],
  router: number,
  layer: Parameters<typeof reachOf>[1],
  { expert, mode, base }: { expert: number; mode: SweepMode; base: Edits }
): boolean {
  return (
    overrulesChoice(base, routers, router) ||
    reachOf(routers[router], layer, expert, mode).first !== undefined
  );
}

/** Whether a token's weights or selection depend on the logits of unselected experts. */
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

/** Added to a sum of shares of 1; below this it changes no compared digit. */
const NEGLIGIBLE = 1e-9;
