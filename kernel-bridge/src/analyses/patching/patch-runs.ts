/** Runs of a model whose activations are changed, many changes per batch. */
import { largestThatFits } from '../attribution/batches';
import { cancellable } from '../../run/engine/cancel';
import type { TensorValue } from '../../run/engine/messages';
import type { GradientSession } from '../../run/gradients/gradient-session';
import { checkMemory } from '../../run/gradients/memory';
import { noPatches, patchGraph, type PatchGraph } from './patch-graph';
import type { RecordedRun, TwoRuns } from './two-runs';

/** One change of one tensor, which can be patched. */
export interface TensorChange {
  tensor: string;
  /**
   * Writes the change: the tensor becomes `keep` times itself plus `value`.
   * @param keep [tokens], all 1
   * @param value [tokens, width], all 0
   */
  write(keep: Float32Array, value: Float32Array): void;
}

export interface PatchRunOptions {
  batch?: number;
  signal?: AbortSignal;
  /** Called after each run with its number of changes. */
  onRun?: (changes: number) => void;
}

/** The arrays that carry a batch's changes limit their number. */
const MAX_CHANGES = 32;

/**
 * The target's value with each change alone.
 * @param base the run that is changed
 * @throws MoEDebuggerError 'gradient' when the memory limit is too small; 'cancelled'
 */
export async function changedValues(
  runs: TwoRuns,
  base: RecordedRun,
  changes: readonly TensorChange[],
  options: PatchRunOptions = {}
): Promise<number[]> {
  const { gradients, target, memoryLimit, largest, layout } = runs;
  const graph = patchGraph(layout);
  const session = await cancellable(
    gradients.session({
      kind: target.kind,
      tensor: target.tensor,
      forwardOnly: true,
      on: graph.derived
    }),
    options.signal
  );
  const tokens = base.run.sequence.ids.length;
  const bytes = (batch: number): number => session.bytes({ batch, tokens });
  checkMemory(bytes(1), memoryLimit, { batch: 1, tokens });
  const size = largestThatFits(
    Math.min(options.batch ?? MAX_CHANGES, largest),
    batch => bytes(batch) <= memoryLimit
  );
  const values = new Array<number>(changes.length);
  // Grouped by tensor: the other tensors get feeds that change nothing.
  const order = changes
    .map((change, i) => ({ change, i }))
    .sort((a, b) =>
      a.change.tensor < b.change.tensor
        ? -1
        : a.change.tensor > b.change.tensor
          ? 1
          : a.i - b.i
    );
  for (let start = 0; start < order.length; start += size) {
    const batch = order.slice(start, start + size);
    const found = await runBatch(
      session,
      graph,
      base,
      batch.map(({ change }) => change),
      options.signal
    );
    batch.forEach(({ i }, row) => (values[i] = found[row]));
    options.onRun?.(batch.length);
  }
  return values;
}

async function runBatch(
  session: GradientSession,
  graph: PatchGraph,
  base: RecordedRun,
  changes: readonly TensorChange[],
  signal?: AbortSignal
): Promise<Float32Array> {
  const feeds = noPatches(graph);
  for (const tensor of new Set(changes.map(change => change.tensor))) {
    const { keep, value } = graph.inputs.get(tensor)!;
    const own = tables(base, tensor, changes);
    feeds[keep] = own.keep;
    feeds[value] = own.value;
  }
  const [scale] = base.run.scales as readonly number[];
  const { values } = await cancellable(
    session.run({ ...base.run, scales: changes.map(() => scale), feeds }),
    signal
  );
  return values;
}

/** Factor and addend of one tensor for each row of a batch. */
function tables(
  base: RecordedRun,
  tensor: string,
  changes: readonly TensorChange[]
): { keep: TensorValue; value: TensorValue } {
  const tokens = base.run.sequence.ids.length;
  const numbers = base.tensors.get(tensor)!.length;
  const keep = new Float32Array(changes.length * tokens).fill(1);
  const value = new Float32Array(changes.length * numbers);
  changes.forEach((change, row) => {
    if (change.tensor === tensor) {
      change.write(
        keep.subarray(row * tokens, (row + 1) * tokens),
        value.subarray(row * numbers, (row + 1) * numbers)
      );
    }
  });
  return {
    keep: { type: 'float32', dims: [changes.length, tokens, 1], data: keep },
    value: {
      type: 'float32',
      dims: [changes.length, tokens, numbers / tokens],
      data: value
    }
  };
}
