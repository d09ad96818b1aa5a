/** Summary of the changes at one router over all tokens. */
import { layerName, type RouterIdentity } from '../../base/protocol';
import type { MarginScale } from '../../routing/selection-margin';
import type { Both, LayerDiff } from './layer-diff';

export interface LayerSummary extends Omit<RouterIdentity, 'topK'> {
  topK: Both<number>;
  /** Tokens that both runs have. */
  tokens: number;
  /** Tokens whose experts changed. */
  changed: number;
  /** changed / tokens; null without tokens. */
  changedShare: number | null;
  /** Changes whose margin in the first run was below the threshold. */
  nearMisses: number;
  /** nearMisses / number of changes with a known margin; null without any. */
  nearMissShare: number | null;
  /** Scale of the margins, and the threshold. */
  scale: MarginScale;
  threshold: number;
  /** Means over the tokens; null without tokens, and without weights. */
  jaccard: number | null;
  weightDistance: number | null;
  /** [experts]: number of tokens that gained, and lost, each. */
  entered: number[];
  left: number[];
}

/** @param samples the routers of each prompt */
export function summarize(
  samples: readonly (readonly LayerDiff[])[]
): LayerSummary[] {
  const byRouter = new Map<string, LayerDiff[]>();
  for (const layer of samples.flat()) {
    const name = layerName(layer.identity);
    byRouter.set(name, [...(byRouter.get(name) ?? []), layer]);
  }
  return [...byRouter.values()].map(summarizeRouter);
}

function summarizeRouter(layers: readonly LayerDiff[]): LayerSummary {
  const [{ identity, topK, scale, threshold }] = layers;
  const entered = new Array<number>(identity.experts).fill(0);
  const left = new Array<number>(identity.experts).fill(0);
  const sums = { tokens: 0, changed: 0, near: 0, known: 0, same: 0, moved: 0 };
  for (const layer of layers) {
    for (let i = 0; i < layer.length; i++) {
      sums.tokens++;
      sums.same += layer.jaccard[i];
      sums.moved += layer.weightDistance[i];
      if (layer.changed(i)) {
        const change = layer.at(i);
        sums.changed++;
        sums.near += change.nearMiss ? 1 : 0;
        sums.known += change.margin.a === null ? 0 : 1;
        change.entered.forEach(expert => entered[expert]++);
        change.left.forEach(expert => left[expert]++);
      }
    }
  }
  const share = (part: number, whole: number): number | null =>
    whole === 0 || Number.isNaN(part) ? null : part / whole;
  return {
    ...identity,
    topK,
    tokens: sums.tokens,
    changed: sums.changed,
    changedShare: share(sums.changed, sums.tokens),
    nearMisses: sums.near,
    nearMissShare: share(sums.near, sums.known),
    scale,
    threshold,
    jaccard: share(sums.same, sums.tokens),
    weightDistance: share(sums.moved, sums.tokens),
    entered,
    left
  };
}
