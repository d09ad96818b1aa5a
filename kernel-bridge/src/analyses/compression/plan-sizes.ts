/** What a plan saves: parameters and bytes of the experts and of the whole model, by precision. */
import {
  ParameterStorage,
  type StoredSize
} from '../../onnx/graph/parameter-storage';
import { layerName } from '../../base/protocol';
import { findExperts, type Expert } from '../../routing/experts';
import type { LoadedModel } from '../../run/model/loaded-model';
import type {
  LayerPlan,
  PlanSizes,
  SizeByPrecision
} from './compression-document';

/**
 * @param layers what the plan does to each router, in graph order
 * @param warnings gets the layers whose experts are not told apart in the graph
 * @returns null where the experts of a layer are not told apart
 */
export function planSizes(
  model: LoadedModel,
  layers: readonly LayerPlan[],
  warnings: string[]
): PlanSizes | null {
  const { graph, found, routers, onnx } = model;
  const experts = routers.map(router =>
    findExperts(graph, router, found.blocks)
  );
  const unknown = routers.filter((_, i) => !experts[i]);
  if (unknown.length > 0) {
    warnings.push(
      `sizes are unknown: the graph does not tell the experts of ${unknown.map(layerName).join(', ')} apart`
    );
    return null;
  }
  const storage = new ParameterStorage(onnx.proto.graph);
  const sizeOf = (stays: (layer: number, expert: number) => boolean) =>
    storage.sizeOf(
      partsOf(
        experts.flatMap((own, i) =>
          own!
            .filter(({ expert }) => stays(i, expert))
            .map(expert => ({ expert, of: routers[i].experts }))
        )
      )
    );
  const before = sizeOf(() => true);
  const after = sizeOf((layer, expert) => layers[layer].keep.includes(expert));
  const whole = storage.whole();
  const rest: Pick<StoredSize, 'parameters' | 'bytes'> = {
    parameters: whole.parameters - before.parameters,
    bytes: whole.bytes - before.bytes
  };
  return {
    experts: { before: byPrecision(before), after: byPrecision(after) },
    model: {
      before: byPrecision(whole),
      after: byPrecision({
        parameters: rest.parameters + after.parameters,
        bytes: rest.bytes + after.bytes
      })
    },
    storedAs: { experts: before.stored, model: whole.stored }
  };
}

/** How much of each stored tensor belongs to these experts. @param experts each with the number of experts of its layer */
function partsOf(
  experts: readonly { expert: Expert; of: number }[]
): Map<string, number> {
  const parts = new Map<string, number>();
  for (const { expert, of } of experts) {
    for (const { tensor, slice, scales, zeroPoint } of expert.weights) {
      for (const name of [tensor, scales, zeroPoint]) {
        if (name !== undefined) {
          const part = slice === undefined ? 1 : 1 / of;
          // Experts that share a tensor of their own count it once.
          parts.set(name, Math.min(1, (parts.get(name) ?? 0) + part));
        }
      }
    }
  }
  return parts;
}

function byPrecision({
  parameters,
  bytes
}: Pick<StoredSize, 'parameters' | 'bytes'>): SizeByPrecision {
  return {
    parameters,
    stored: bytes,
    fp32: 4 * parameters,
    fp16: 2 * parameters,
    int8: parameters,
    int4: Math.ceil(parameters / 2)
  };
}
