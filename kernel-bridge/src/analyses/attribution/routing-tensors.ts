/** Tensors of a differentiated graph that hold the selected experts of the routers upstream of the target. */
import type { GradientValues } from '../../run/gradients/gradient-session';
import type { PreparedGraph } from '../../run/gradients/model-gradients';
import { toIntegers } from '../../run/engine/tensor-values';
import { Graph } from '../../onnx/graph/graph';
import { walk } from '../../onnx/graph/walk';
import type { Runnable } from '../../run/model/runnable';
import type { Router } from '../../routing/convention';

export interface RoutedTensors {
  router: Router;
  /** Each [..., k_i]; empty where the graph holds only dense weights. */
  selected: string[];
  /** Same shapes as `selected`; without it, one tensor [..., experts]. */
  weights: string[];
}

/** Routers upstream of the target, with the tensors that hold their selection. */
export function routedTensors(
  { graph, routers }: Runnable,
  prepared: PreparedGraph,
  target: string
): RoutedTensors[] {
  const plain = new Graph(prepared.interpolated.graph);
  const before = new Set<string>();
  for (const { tensor } of walk(plain, [target], { direction: 'upstream' })) {
    before.add(tensor);
  }
  return routers.flatMap((router): RoutedTensors[] => {
    const { selected, weights, denseWeights } = router.tensors;
    const fused = prepared.choices.get(
      graph.nodes[router.selectors[0].index].outputs[0]
    );
    const found = fused
      ? { selected: [fused.selected], weights: [fused.weights] }
      : {
          selected: selected ?? [],
          weights: weights ?? (denseWeights ? [denseWeights] : [])
        };
    return [...found.selected, ...found.weights].some(name => before.has(name))
      ? [{ router, ...found }]
      : [];
  });
}

/** Per batch entry, one number per token and layer; equal numbers mean the same set of experts. */
export function choicesOf(
  { tensors }: GradientValues,
  entries: number,
  routed: readonly RoutedTensors[]
): Int32Array[] {
  const choices = Array.from({ length: entries }, (): number[] => []);
  for (const { selected } of routed) {
    for (const name of selected) {
      const tensor = tensors.get(name)!;
      const k = tensor.dims[tensor.dims.length - 1] ?? 1;
      const ids = toIntegers(tensor);
      const rows = ids.length / k / entries;
      choices.forEach((own, entry) => {
        for (let row = entry * rows; row < (entry + 1) * rows; row++) {
          own.push(setNumber(ids.slice(row * k, (row + 1) * k)));
        }
      });
    }
  }
  return choices.map(own => Int32Array.from(own));
}

/** A number that identifies a set of experts regardless of order. */
function setNumber(experts: number[]): number {
  return experts
    .sort((a, b) => a - b)
    .reduce((hash, expert) => (Math.imul(hash, 1000003) + expert) | 0, 7);
}
