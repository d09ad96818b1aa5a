/** Says where a router selected nothing, since its logits are no numbers: after an overflow, or in a damaged model. */
import { counted, layerName, type RoutingSample } from '../../base/protocol';
import { nonFiniteTokens } from '../../measures';

/**
 * One line a router that has such tokens, over all samples: "layer 1: the logits of 5 tokens are NaN or infinite; no
 * expert is selected there".
 */
export function unorderedText(samples: readonly RoutingSample[]): string[] {
  const tokens = new Map<string, number>();
  for (const layer of samples.flatMap(({ layers }) => layers)) {
    const { selected, topK } = layer;
    const without = nonFiniteTokens(layer).filter(
      t => selected[t * topK] < 0
    ).length;
    if (without > 0) {
      const name = layerName(layer);
      tokens.set(name, (tokens.get(name) ?? 0) + without);
    }
  }
  return [...tokens].map(
    ([name, count]) =>
      `${name}: the logits of ${counted(count, 'token')} are NaN or infinite; no expert is selected there`
  );
}
