/** Whether a model's rows can be run side by side: tried out, since a graph does not tell. */
import { MoEDebuggerError } from '../errors';
import { mixesRows } from '../generation/batches';
import type { AblationRuns, Pair } from './ablation-runs';
import { runBaselines, type Baseline, type BaselineRequest } from './baseline';
import type { SweepEdit } from './options';
import type { SweptModel } from './swept-model';

export interface Batching {
  sideBySide: boolean;
  /** Rows may be filled up on the right to the longest of a batch. */
  padded: boolean;
  /** Why not side by side. */
  reason?: string;
}

/** Kernels of another size round otherwise: logits differ by this share of the largest, where rows leave each other alone. */
const ROUNDING = 1e-4;

/**
 * Runs prompts without edits beside an ablated one: what comes out must be what came out alone.
 * @param requests shortest first
 */
export async function findBatching(
  model: SweptModel,
  ablations: AblationRuns,
  requests: readonly BaselineRequest[],
  edit: SweepEdit
): Promise<Batching> {
  const reason = mixesRows(model, model.graph);
  if (reason !== undefined) {
    return { sideBySide: false, padded: false, reason };
  }
  const [shortest] = requests;
  const longer = requests.find(
    ({ prompt }) => prompt.ids.length > shortest.prompt.ids.length
  );
  const [first] = await runBaselines(model, [shortest]);
  const same = [control(first), { ...control(first), edit }];
  if (longer) {
    const [second] = await runBaselines(model, [longer]);
    if (await unchanged(ablations, [...same, control(second)])) {
      return { sideBySide: true, padded: true };
    }
  }
  return (await unchanged(ablations, same))
    ? { sideBySide: true, padded: false }
    : {
        sideBySide: false,
        padded: false,
        reason: 'tried out, the rows of a batch change one another'
      };
}

function control(baseline: Baseline): Pair {
  return {
    baseline,
    edit: undefined,
    reach: { tokens: 0, first: undefined },
    length: baseline.ids.length
  };
}

/** Whether rows without an edit come out as they did alone. */
async function unchanged(
  ablations: AblationRuns,
  pairs: readonly Pair[]
): Promise<boolean> {
  try {
    const { effects } = await ablations.run(pairs);
    return pairs.every(({ edit, baseline }, row) => {
      const { kl, lastLogits } = effects[row];
      return (
        edit !== undefined ||
        (kl.every(value => !(value > ROUNDING)) &&
          alike(lastLogits, baseline.lastLogits))
      );
    });
  } catch (error) {
    // A graph that is written for one row fails in a reshape.
    if (error instanceof MoEDebuggerError && error.code === 'engine') {
      return false;
    }
    throw error;
  }
}

function alike(a: Float32Array, b: Float32Array): boolean {
  const finite = b.filter(Number.isFinite);
  const scale = finite.reduce(
    (largest, value) => Math.max(largest, Math.abs(value)),
    1
  );
  return a.every(
    (value, i) =>
      Object.is(value, b[i]) ||
      !Number.isFinite(b[i]) ||
      Math.abs(value - b[i]) <= ROUNDING * scale
  );
}
