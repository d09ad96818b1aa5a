/**
 * Whether the model predicts the tokens that an expert raises worse without the expert. The tokens of one half of the prompts
 * are those that the other half says are raised: a list is not measured on the text that it was made from.
 */
import { MoEDebuggerError } from '../../../base/errors';
import { ClusterMeans } from '../../../base/statistics/cluster-means';
import { logProbability } from '../../../base/statistics/logits';
import type { RouterPlace, RoutingLayer } from '../../../base/protocol';
import { recordActivations } from '../../../run/activations/record-activations';
import type { EditedRun } from '../../../run/edits/edited-session';
import { probedSession } from '../../../run/edits/edited-sessions';
import type { Edits } from '../../../run/edits/edits';
import type { LoadedModel } from '../../../run/model/loaded-model';
import type { TokenizedPrompt } from '../../../run/model/prompt';
import { canReach } from '../../sweep/reach';
import type { AblationEvidence, Half, LossChange } from './vocabulary-data';

export interface RaisedByExpert {
  expert: number;
  /** By half of the prompts: the tokens to measure there, made from the other half. */
  raised: Record<Half, ReadonlySet<number>>;
}

export interface EvidenceOptions {
  router: number;
  place: RouterPlace;
  edits: Edits;
  vocabulary: number;
  /** By prompt. */
  halves: readonly Half[];
  signal?: AbortSignal;
  /** Called after each prompt. */
  onPrompt: () => void;
}

/** Why there is no loss, nor a total effect. */
export const LAST_TOKEN_ONLY =
  'the graph has no logits but those of the last token';

interface Losses {
  run: () => Promise<EditedRun>;
  mode: AblationEvidence['mode'];
  /** Loss with the expert, and without. */
  raised: ClusterMeans;
  others: ClusterMeans;
  /** Tokens that the model itself has no finite loss on. */
  notFinite: number;
}

/**
 * @returns by expert, in the order given; a text says why there is none
 */
export async function ablationEvidence(
  model: LoadedModel,
  prompts: readonly TokenizedPrompt[],
  experts: readonly RaisedByExpert[],
  {
    router,
    place,
    edits,
    vocabulary,
    halves,
    signal,
    onPrompt
  }: EvidenceOptions
): Promise<(AblationEvidence | string)[]> {
  const losses = experts.map(({ expert }) =>
    lossesWithout(model, { ...place, expert }, edits)
  );
  const plain = await probedSession(model).resolve(edits).run();
  const logitsOf = async (
    run: EditedRun,
    prompt: TokenizedPrompt
  ): Promise<{ logits: Float32Array; routing: RoutingLayer }> => {
    const own = await recordActivations(
      model,
      run,
      prompt,
      { logits: true },
      signal
    );
    return { logits: own.logits!, routing: own.routing[router] };
  };
  for (const [p, prompt] of prompts.entries()) {
    const ids = prompt.decoderIds ?? prompt.ids;
    const { logits, routing } = await logitsOf(plain, prompt);
    if (logits.length !== ids.length * vocabulary) {
      return experts.map(() => LAST_TOKEN_ONLY);
    }
    for (const [e, own] of losses.entries()) {
      const { expert, raised } = experts[e];
      if (typeof own === 'string' || ids.length < 2) {
        continue;
      }
      const { mode } = own;
      const without = canReach(model.routers, router, routing, {
        expert,
        mode,
        base: edits
      })
        ? (await logitsOf(await own.run(), prompt)).logits
        : logits;
      addLosses(own, ids, raised[halves[p]], logits, without);
    }
    onPrompt();
  }
  return losses.map(own =>
    typeof own === 'string'
      ? own
      : {
          mode: own.mode,
          raised: lossChange(own.raised),
          others: lossChange(own.others),
          ...(own.notFinite > 0 ? { notFinite: own.notFinite } : {})
        }
  );
}

/** Masked where the graph can, so that a substitute is selected; else dropped. */
function lossesWithout(
  model: LoadedModel,
  expert: RouterPlace & { expert: number },
  edits: Edits
): Losses | string {
  let why = '';
  for (const mode of ['mask', 'drop'] as const) {
    try {
      const { run } = probedSession(model).resolve({
        ...edits,
        ablate: [...(edits.ablate ?? []), { ...expert, mode }]
      });
      return {
        run,
        mode,
        raised: new ClusterMeans(3),
        others: new ClusterMeans(3),
        notFinite: 0
      };
    } catch (error) {
      if (!(error instanceof MoEDebuggerError) || error.code !== 'edit') {
        throw error;
      }
      why = error.message;
    }
  }
  return why;
}

function addLosses(
  losses: Losses,
  ids: readonly number[],
  listed: ReadonlySet<number>,
  logits: Float32Array,
  without: Float32Array
): void {
  const { raised, others } = losses;
  const width = logits.length / ids.length;
  const sums = { raised: new Float64Array(3), others: new Float64Array(3) };
  const counts = { raised: 0, others: 0 };
  for (let t = 0; t + 1 < ids.length; t++) {
    const next = ids[t + 1];
    const kind = listed.has(next) ? 'raised' : 'others';
    const [before, after] = [logits, without].map(
      own => -logProbability(own.subarray(t * width, (t + 1) * width), next)
    );
    if (!Number.isFinite(before)) {
      losses.notFinite++;
      continue;
    }
    counts[kind]++;
    sums[kind][0] += before;
    sums[kind][1] += after;
    sums[kind][2] += after - before;
  }
  if (counts.raised > 0) {
    raised.add(sums.raised, counts.raised);
  }
  if (counts.others > 0) {
    others.add(sums.others, counts.others);
  }
}

function lossChange(means: ClusterMeans): LossChange | null {
  if (means.clusters === 0) {
    return null;
  }
  const { mean, halfWidth } = means.interval(2, 0.05);
  return {
    tokens: means.weight(2),
    loss: means.mean(0),
    lossWithout: means.mean(1),
    change: mean,
    halfWidth: Number.isFinite(halfWidth) ? halfWidth : null
  };
}
