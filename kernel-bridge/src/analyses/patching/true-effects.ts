/** Activation patching: runs the model with activations of another run. */
import type { PatchDirection } from '../../base/protocol';
import { between } from './first-order';
import { valuesOf, type PatchNode } from './patch-nodes';
import {
  changedValues,
  type PatchRunOptions,
  type TensorChange
} from './patch-runs';
import type { RecordedRun, TwoRuns } from './two-runs';

/** One patch: a node at one token, or at all. */
export interface Patch {
  node: PatchNode;
  position?: number;
}

/**
 * Change of the target by each patch alone.
 * @throws MoEDebuggerError 'gradient' when the memory limit is too small; 'cancelled'
 */
export async function patchedEffects(
  runs: TwoRuns,
  direction: PatchDirection,
  patches: readonly Patch[],
  options: PatchRunOptions = {}
): Promise<number[]> {
  const { base, other } = between(runs, direction);
  const values = await changedValues(
    runs,
    base,
    patches.map(patch => changeOf(patch, base, other)),
    options
  );
  return values.map(value => value - base.value);
}

function changeOf(
  { node, position }: Patch,
  base: RecordedRun,
  other: RecordedRun
): TensorChange {
  return {
    tensor: node.tensor,
    write: (keep, value) => {
      const own = valuesOf(node, base);
      const theirs = valuesOf(node, other);
      const width = own.length / keep.length;
      // Parts of a branch are patched by adding their difference; a whole tensor is replaced.
      const part = node.part !== undefined;
      const end = position === undefined ? keep.length : position + 1;
      for (let t = position ?? 0; t < end; t++) {
        keep[t] = part ? 1 : 0;
        for (let i = t * width; i < (t + 1) * width; i++) {
          value[i] = part ? theirs[i] - own[i] : theirs[i];
        }
      }
    }
  };
}
