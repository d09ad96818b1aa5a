/** Tests whether rows of a batch are independent, by running them: the graph does not show it. */
import { MoEDebuggerError } from '../../base/errors';
import { mixesRows } from '../../run/generation/batches';
import type { AblationRuns, Pair, SweptPair } from './ablation-runs';
import {
  runBaselines,
  type Baseline,
  type BaselineRequest,
  type BaselineTarget
} from './baseline';
import type { SweepEdit } from './options';
import type { LoadedModel } from '../../run/model/loaded-model';

export interface Batching {
  sideBySide: boolean;
  /** Rows may be padded on the right to the longest of a batch. */
  padded: boolean;
  /** One row may enter and grow to one per ablation. */
  growing: boolean;
  /** Why batching is impossible. */
  reason?: string;
}

/** Kernels for other batch sizes round differently: relative to the largest logit, independent rows differ by less. */
const ROUNDING = 1e-4;

const ALONE: Batching = { sideBySide: false, padded: false, growing: false };

/**
 * Runs prompts without ablations next to an ablated one: their results must be the same as alone.
 * @param requests shortest first
 */
export async function findBatching(
  model: LoadedModel,
  target: BaselineTarget,
  ablations: AblationRuns,
  requests: readonly BaselineRequest[],
  edits: readonly SweepEdit[]
): Promise<Batching> {
  const reason = mixesRows(model, model.graph);
  if (reason !== undefined) {
    return { ...ALONE, reason };
  }
  const [shortest] = requests;
  const longer = requests.find(
    ({ prompt }) => prompt.ids.length > shortest.prompt.ids.length
  );
  const [first] = await runBaselines(model, target, [shortest]);
  const same = [control(first), ablated(first, edits[0])];
  const longest = longer && (await runBaselines(model, target, [longer]));
  const padded =
    longest !== undefined &&
    (await unchanged(ablations, [...same, ...longest.map(control)]));
  if (!padded && !(await unchanged(ablations, same))) {
    return {
      ...ALONE,
      reason: 'in a test, the rows of a batch affected one another'
    };
  }
  const growing = await growsAlike(
    ablations,
    [edits[0], edits[edits.length - 1]].map(edit => ablated(first, edit))
  );
  return { sideBySide: true, padded, growing };
}

function ablated(baseline: Baseline, edit: SweepEdit): SweptPair {
  return { ...control(baseline), edit };
}

/** Whether rows added inside the graph give the same results as rows present from the start. */
async function growsAlike(
  ablations: AblationRuns,
  pairs: readonly SweptPair[]
): Promise<boolean> {
  const [{ edit: first }, { edit: last }] = pairs;
  if (!ablations.canGrow || first.router === last.router) {
    return false;
  }
  return tried(async () => {
    const whole = await ablations.run(pairs);
    const grown = await ablations.runGrowing(pairs);
    return whole.effects.every(({ lastLogits, kl }, row) => {
      const other = grown.effects[row];
      return (
        alike(other.lastLogits, lastLogits) &&
        kl.every((value, i) => !(Math.abs(value - other.kl[i]) > ROUNDING))
      );
    });
  });
}

function control(baseline: Baseline): Pair {
  return {
    baseline,
    edit: undefined,
    reach: { tokens: 0, first: undefined },
    length: baseline.ids.length
  };
}

/** Whether rows without an edit give the same results as alone. */
function unchanged(
  ablations: AblationRuns,
  pairs: readonly Pair[]
): Promise<boolean> {
  return tried(async () => {
    const { effects } = await ablations.run(pairs);
    return pairs.every(({ edit, baseline }, row) => {
      const { kl, lastLogits } = effects[row];
      return (
        edit !== undefined ||
        (kl.every(value => !(value > ROUNDING)) &&
          alike(lastLogits, baseline.lastLogits))
      );
    });
  });
}

/** A graph that is fixed to another batch size fails in a reshape. */
async function tried(attempt: () => Promise<boolean>): Promise<boolean> {
  try {
    return await attempt();
  } catch (error) {
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
