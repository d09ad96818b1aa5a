/** Compares what routers selected, and what a held router would have selected. */
import type { RoutingDiff } from '../diff/routing-diff';
import type { LayerCard } from '../../run/model/description';
import { tokensOf, type RoutingSample } from '../../base/protocol';
import type { Adjustment } from '../../routing/adjustment';
import { routeEdited } from '../../run/capture/check-convention';
import { cardOf } from '../../files/trace/cards';
import { noteChange, type ExpertChanges } from './causal-graph';

/** By router: the experts that entered and left between two runs of one prompt. */
export function changesOf(diff: RoutingDiff): ExpertChanges[] {
  const [{ layers, samples }] = diff.samples;
  return layers.map((layer, router) => {
    const changes: ExpertChanges = new Map();
    const tokens = tokensOf(samples.a, samples.a.layers[router]);
    for (let i = 0; i < layer.length; i++) {
      if (layer.changed(i)) {
        const { entered, left } = layer.at(i);
        const { position } = tokens[i];
        entered.forEach(e => noteChange(changes, e, 'entered', position));
        left.forEach(e => noteChange(changes, e, 'left', position));
      }
    }
    return changes;
  });
}

/**
 * By router: what would have entered and left if the router had selected by its logits. Both selections are computed by
 * the router's convention; a token is skipped if that does not reproduce its actual selection.
 *
 * @param original the run without edits
 * @param other a run whose routers were held to the original's selection
 * @param cards of the model, one per router
 * @param adjustments by router: the edits that both runs had; undefined for none
 */
export function wouldChange(
  original: RoutingSample,
  other: RoutingSample,
  cards: readonly LayerCard[],
  adjustments: readonly (Adjustment | undefined)[]
): ExpertChanges[] {
  return original.layers.map((layer, router) => {
    const { experts, topK, logitsAre } = layer;
    const convention = cardOf(cards, layer)!;
    const [before, after] = [layer, other.layers[router]].map(
      ({ logits }) =>
        routeEdited(
          { experts, topK, convention, tensors: { logitsAre } },
          logits,
          adjustments[router]
        ).selected
    );
    const changes: ExpertChanges = new Map();
    tokensOf(original, layer).forEach(({ position }, t) => {
      const row = (values: Int32Array): Set<number> =>
        new Set(values.subarray(t * topK, (t + 1) * topK));
      const finite = [layer, other.layers[router]].every(({ logits }) =>
        logits
          .subarray(t * experts, (t + 1) * experts)
          .every(value => Number.isFinite(value))
      );
      const [had, has, own] = [before, after, layer.selected].map(row);
      if (finite && [...had].every(expert => own.has(expert))) {
        [...has]
          .filter(expert => !had.has(expert))
          .forEach(expert => noteChange(changes, expert, 'entered', position));
        [...had]
          .filter(expert => !has.has(expert))
          .forEach(expert => noteChange(changes, expert, 'left', position));
      }
    });
    return changes;
  });
}
