/**
 * First-order attribution to layers and experts: the gradient times what they add to the residual stream. An expert adds
 * weight times output, so gradient by weight times weight equals gradient by output times output.
 */
import { toFloat32, toIntegers } from '../../run/engine/tensor-values';
import type {
  GradientRun,
  GradientSession
} from '../../run/gradients/gradient-session';
import type { AttributionData } from '../../base/protocol';
import type { Blocks } from '../../routing/blocks';
import type { RoutedTensors } from './routing-tensors';

export type Credit = Pick<AttributionData, 'layers' | 'experts'>;
type LayerCredit = NonNullable<AttributionData['layers']>[number];

/** Names of the tensors that the attribution is computed from. */
export function creditTensors(
  routed: readonly RoutedTensors[],
  { joins }: Pick<Blocks, 'joins'>
): { experts: string[]; layers: string[] } {
  return {
    experts: routed.flatMap(({ weights }) => weights),
    layers: joins.map(({ branch }) => branch)
  };
}

export async function giveCredit(
  session: GradientSession,
  run: GradientRun,
  routed: readonly RoutedTensors[],
  { joins }: Pick<Blocks, 'joins'>
): Promise<Credit> {
  const by = new Set(session.by);
  const added = joins.filter(({ branch }) => by.has(branch));
  const chosen = routed.filter(({ weights }) =>
    weights.every(name => by.has(name))
  );
  const wanted = [
    ...new Set(added.map(({ branch }) => branch)),
    ...chosen.flatMap(({ weights }) => weights)
  ];
  const found = await session.run(run, {
    gradients: wanted,
    tensors: [...wanted, ...chosen.flatMap(({ selected }) => selected)]
  });
  const credits = (name: string): Float32Array => {
    const held = toFloat32(found.tensors.get(name)!);
    return toFloat32(found.gradients.get(name)!).map((g, i) => g * held[i]);
  };
  const byLayer = new Map<string, LayerCredit>();
  for (const { layer, stack, branch } of added) {
    const key = `${stack ?? ''} ${layer}`;
    const before = byLayer.get(key)?.attribution ?? 0;
    byLayer.set(key, {
      layer,
      ...(stack ? { stack } : {}),
      attribution: credits(branch).reduce((sum, x) => sum + x, before)
    });
  }
  return {
    layers: [...byLayer.values()],
    experts: chosen.flatMap(({ router, selected, weights }) => {
      const { layer, stack, module } = router;
      return weights.flatMap((name, i) => {
        const tensor = found.tensors.get(name)!;
        const width = tensor.dims[tensor.dims.length - 1] ?? 1;
        const held = toFloat32(tensor);
        const ids = selected[i]
          ? toIntegers(found.tensors.get(selected[i])!)
          : undefined;
        return [...credits(name).entries()].flatMap(([at, attribution]) =>
          held[at] === 0
            ? []
            : [
                {
                  layer,
                  ...(stack ? { stack } : {}),
                  ...(module ? { module } : {}),
                  position: Math.floor(at / width),
                  expert: ids ? ids[at] : at % width,
                  weight: held[at],
                  attribution
                }
              ]
        );
      });
    })
  };
}
