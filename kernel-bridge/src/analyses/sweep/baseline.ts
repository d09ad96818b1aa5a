/** Runs prompts without ablations: their routing, and the distributions that ablations are compared with. */
import { toFloat32 } from '../../run/engine/tensor-values';
import { MoEDebuggerError } from '../../base/errors';
import type { TokenizedPrompt } from '../../run/model/prompt';
import { wholeSequence, type Step } from '../../run/model/inputs';
import type { RoutingLayer } from '../../base/protocol';
import { readCapture } from '../../run/capture/read-capture';
import { likeliest, logSumExp } from '../../base/statistics/logits';
import { batchFeeds } from '../../run/edits/batch-edits';
import type { RunEdits } from '../../run/edits/run-edits';
import type { Session } from '../../run/engine/engine';
import type { CapturePlan } from '../../routing/capture';
import type { Router } from '../../routing/convention';
import { MIN_LOG } from './measure-graph';
import type { LoadedModel } from '../../run/model/loaded-model';

export interface Baseline {
  index: number;
  prompt: TokenizedPrompt;
  /** Tokens of the predicted sequence: the decoder's in an encoder-decoder model. */
  ids: readonly number[];
  layers: readonly RoutingLayer[];
  /** [positions, vocabulary] log-probabilities, at least `MIN_LOG`; only the last positions if the graph computes no others. */
  logProbs: Float32Array;
  /** [vocabulary], of the last token. */
  lastLogits: Float32Array;
  target: number;
}

export interface BaselineRequest {
  index: number;
  prompt: TokenizedPrompt;
  /** Undefined: the most likely token. */
  target: number | undefined;
}

/** What a prompt runs on without ablations: the model as it is, or with edits. */
export interface BaselineTarget {
  session: Session;
  routers: readonly Router[];
  plan: CapturePlan;
  edits?: RunEdits;
}

/**
 * @param requests prompts of one length; if several, rows of a batch must be independent
 * @throws MoEDebuggerError 'capture', 'engine'
 */
export async function runBaselines(
  { inputs, logits }: LoadedModel,
  { session, routers, plan, edits }: BaselineTarget,
  requests: readonly BaselineRequest[]
): Promise<Baseline[]> {
  const step = sideBySide(requests.map(({ prompt }) => prompt));
  const { outputs } = await session.run(
    {
      ...inputs.feeds(step),
      ...(edits
        ? batchFeeds(
            requests.map(() => edits),
            step
          )
        : {})
    },
    [...plan.outputs, logits]
  );
  const rows = requests.length;
  const layers = readCapture(
    routers,
    plan,
    outputs,
    ({ stack }) =>
      rows *
      (stack === 'decoder' ? step.ids : (step.encoderIds ?? step.ids))[0]
        .length,
    edits?.adjustments(step)
  );
  const { dims } = outputs[logits];
  const values = toFloat32(outputs[logits]);
  const vocabulary = dims[dims.length - 1];
  const size = values.length / rows;
  return requests.map(({ index, prompt, target }, row) => {
    const own = values.subarray(row * size, (row + 1) * size);
    const lastLogits = own.slice(size - vocabulary);
    if (target !== undefined && target >= vocabulary) {
      throw new MoEDebuggerError(
        'input',
        `the target ${target} is not among the model's ${vocabulary} outputs`,
        { where: 'target', hint: `ids run from 0 to ${vocabulary - 1}` }
      );
    }
    return {
      index,
      prompt,
      ids: step.ids[row],
      layers: layers.map(layer => rowOf(layer, row, rows)),
      logProbs: logProbs(own, vocabulary),
      lastLogits,
      target: target ?? likeliest(lastLogits)
    };
  });
}

/** Prompts of one length as rows of a batch. */
function sideBySide(prompts: readonly TokenizedPrompt[]): Step {
  const steps = prompts.map(wholeSequence);
  return {
    ids: steps.flatMap(({ ids }) => ids),
    positions: steps.flatMap(({ positions }) => positions),
    mask: steps.flatMap(({ mask }) => mask),
    cached: 0,
    ...(steps[0].encoderIds ? { encoderIds: steps[0].encoderIds } : {})
  };
}

function rowOf(layer: RoutingLayer, row: number, rows: number): RoutingLayer {
  const part = <T extends Float32Array | Int32Array>(values: T): T =>
    values.slice(
      (row * values.length) / rows,
      ((row + 1) * values.length) / rows
    ) as T;
  return {
    ...layer,
    // Only what reach is computed from is kept; logits would be the larger part.
    logits: new Float32Array(0),
    selected: part(layer.selected),
    weights: part(layer.weights)
  };
}

function logProbs(logits: Float32Array, vocabulary: number): Float32Array {
  const result = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += vocabulary) {
    const sum = logSumExp(logits.subarray(start, start + vocabulary));
    for (let i = start; i < start + vocabulary; i++) {
      const log = logits[i] - sum;
      result[i] = log < MIN_LOG ? MIN_LOG : log;
    }
  }
  return result;
}
