/** Identifies the axes of a tensor by their sizes in probe runs of different batch sizes and lengths. */
import type { ProbedShape } from '../../run/gradients/tensor-facts';
import type { TensorValue } from '../../run/engine/messages';
import { toFloat32 } from '../../run/engine/tensor-values';
import type { AttentionAxis, AttentionTensor } from './attention';

/** Sizes of the probe runs. */
export type Probes = readonly { batch: number; tokens: number }[];

/**
 * Entries of an axis beyond one per token, such as empty slots of a KV cache; undefined for an axis that does not run
 * over tokens.
 */
export function entriesBeyondTokens(
  shape: ProbedShape,
  axis: number,
  probes: Probes
): number | undefined {
  const beyond = shape.map((sizes, i) => sizes[axis] - probes[i].tokens);
  return beyond[0] >= 0 && beyond.every(count => count === beyond[0])
    ? beyond[0]
    : undefined;
}

/** The one axis with one entry per token; undefined if there are none or several. */
export function tokenAxis(
  shape: ProbedShape,
  probes: Probes,
  except: readonly number[]
): number | undefined {
  const found = shape[0]
    .map((_, axis) => axis)
    .filter(
      axis =>
        !except.includes(axis) && entriesBeyondTokens(shape, axis, probes) === 0
    );
  return found.length === 1 ? found[0] : undefined;
}

/**
 * Identifies the remaining axes, batch and heads.
 *
 * @param named the axes already identified
 * @returns undefined if a remaining axis is neither
 */
export function nameAxes(
  shape: ProbedShape,
  probes: Probes,
  named: ReadonlyMap<number, AttentionAxis>
): { axes: AttentionAxis[]; heads: number } | undefined {
  const axes: AttentionAxis[] = [];
  const rank = shape[0].length;
  let heads = 1;
  let batch = false;
  for (let axis = 0; axis < rank; axis++) {
    const own = named.get(axis);
    const [first] = shape.map(sizes => sizes[axis]);
    const ratio = first / probes[0].batch;
    // A batch axis that the model fixes at size 1 comes before the heads.
    const single =
      probes.every(run => run.batch === 1) &&
      first === 1 &&
      axis === 0 &&
      rank > named.size + 1;
    if (own) {
      axes.push(own);
    } else if (single) {
      batch = true;
      axes.push('batch');
    } else if (shape.every(sizes => sizes[axis] === first)) {
      heads *= first;
      axes.push('heads');
    } else if (
      !batch &&
      Number.isInteger(ratio) &&
      shape.every((sizes, i) => sizes[axis] === ratio * probes[i].batch)
    ) {
      batch = true;
      heads *= ratio;
      axes.push(ratio === 1 ? 'batch' : 'batch-heads');
    } else {
      return undefined;
    }
  }
  return { axes, heads };
}

/**
 * Transposes probabilities of one sequence to [heads, queries, keys].
 * @param skip leading keys to leave out
 */
export function inOrder(
  value: TensorValue,
  { axes }: AttentionTensor,
  skip = 0
): Float32Array {
  const held = toFloat32(value);
  const keys = axes.indexOf('keys');
  const order = [
    ...[...axes.keys()].filter(axis => axes[axis].endsWith('heads')),
    axes.indexOf('queries'),
    keys
  ];
  if (skip === 0 && order.every((axis, i) => i === 0 || axis > order[i - 1])) {
    return held;
  }
  const strides = value.dims.map((_, axis) =>
    value.dims.slice(axis + 1).reduce((size, n) => size * n, 1)
  );
  const sizes = order.map(
    axis => value.dims[axis] - (axis === keys ? skip : 0)
  );
  const result = new Float32Array(sizes.reduce((size, n) => size * n, 1));
  const at = order.map(() => 0);
  for (let i = 0; i < result.length; i++) {
    result[i] =
      held[
        order.reduce(
          (sum, axis, j) => sum + at[j] * strides[axis],
          skip * strides[keys]
        )
      ];
    for (let j = order.length - 1; j >= 0; j--) {
      at[j] = (at[j] + 1) % sizes[j];
      if (at[j] !== 0) {
        break;
      }
    }
  }
  return result;
}
