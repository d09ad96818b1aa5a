/** Reads the weights of each layer's experts, to compare them pair by pair. */
import { layerName } from '../../base/protocol';
import { findExperts } from '../../routing/experts';
import { ExpertWeights } from '../../routing/experts/expert-weights';
import { sampledWeights } from '../../routing/experts/sample-weights';
import type { LoadedModel } from '../../run/model/loaded-model';
import { WeightPairs } from './expert-likeness';

/** Bytes that are read, counted in float32: seconds, not minutes. */
const MOST_BYTES = 8 * 2 ** 30;

/**
 * @param warnings gets the layers whose weights are not compared
 * @returns one entry a router; undefined where the weights are not told apart, or too many
 */
export function readWeights(
  { graph, found, routers, onnx }: LoadedModel,
  warnings: string[]
): (WeightPairs | undefined)[] {
  const weights = new ExpertWeights(graph, onnx.weightsFolder);
  let left = MOST_BYTES;
  try {
    const layers = routers.map(router => {
      const experts = findExperts(graph, router, found.blocks);
      left -= (experts ?? []).reduce(
        (sum, expert) => sum + weights.bytes(expert, router.experts),
        0
      );
      return experts && left >= 0 && experts.some(own => own.weights.length > 0)
        ? new WeightPairs(
            experts.map(expert =>
              sampledWeights(weights.read(expert, router.experts))
            )
          )
        : undefined;
    });
    const without = routers.filter((_, i) => !layers[i]);
    if (without.length > 0) {
      warnings.push(
        `${without.map(layerName).join(', ')}: the weights of experts were not compared: ${left < 0 ? 'they are more than 8 GB' : 'the graph does not tell them apart'}`
      );
    }
    return layers;
  } finally {
    weights.close();
  }
}
