/** Holds a router to a given routing, regardless of its own selection. */
import { layerName, type RoutingLayer } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import type { RouterSlots } from './slots';

export interface RoutingPin {
  topK: number;
  /** [tokens, topK] */
  selected: Int32Array;
  /** [tokens, topK] */
  weights: Float32Array;
}

/**
 * Combines the routing of one run at some tokens with that of another at the rest. If their k differs, unused slots get
 * other experts with zero weight.
 *
 * @param where tokens that are routed as in `there`
 */
export function mixRouting(
  here: RoutingLayer,
  there: RoutingLayer,
  where: ReadonlySet<number>
): RoutingPin {
  const { experts } = here;
  const topK = Math.max(here.topK, there.topK);
  const tokens = here.selected.length / here.topK;
  const selected = new Int32Array(tokens * topK);
  const weights = new Float32Array(tokens * topK);
  for (let t = 0; t < tokens; t++) {
    const from = where.has(t) ? there : here;
    const own = from.selected.subarray(t * from.topK, (t + 1) * from.topK);
    selected.set(own, t * topK);
    weights.set(
      from.weights.subarray(t * from.topK, (t + 1) * from.topK),
      t * topK
    );
    let spare = 0;
    for (let slot = from.topK; slot < topK; slot++) {
      while (own.includes(spare % experts)) {
        spare++;
      }
      selected[t * topK + slot] = spare++ % experts;
    }
  }
  return { topK, selected, weights };
}

/** Why one of these routers cannot be held to a routing; undefined if all can. */
export function unpinnable(
  routers: readonly Router[],
  slots: readonly RouterSlots[]
): string | undefined {
  for (const [i, router] of routers.entries()) {
    const { force } = slots[i];
    const why =
      'refused' in force
        ? force.refused
        : router.convention.capacity !== undefined || router.tensors.kept
          ? "its experts' capacity depends on the other tokens"
          : undefined;
    if (why !== undefined) {
      return `${layerName(router)}: ${why}`;
    }
  }
  return undefined;
}
