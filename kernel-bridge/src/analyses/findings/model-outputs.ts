/** Computes the output of every expert on the same tokens, selected or not. */
import type { Progress } from '../../base/progress';
import { probedSession } from '../../run/edits/edited-sessions';
import {
  expertOutputs,
  forces,
  withEveryExpert
} from '../../run/activations/expert-outputs';
import { recordActivations } from '../../run/activations/record-activations';
import type { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel } from '../../run/model/loaded-model';
import type { TokenizedPrompt } from '../../run/model/prompt';
import { layerName } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import { surveyOutputs, type ExpertSurvey } from './expert-survey';

export interface OutputsOptions {
  signal?: AbortSignal;
  /** Called before each layer. */
  onProgress?: (progress: Progress) => void;
}

/**
 * One survey per router, from experts run alone on one prompt: E + 1 forward passes per layer. Skips routers whose graph
 * cannot run an expert alone.
 *
 * @throws MoEDebuggerError 'cancelled'
 */
export async function surveyModelOutputs(
  model: LoadedModel,
  prompt: TokenizedPrompt,
  similarityThreshold: number,
  options: OutputsOptions = {}
): Promise<ExpertSurvey[]> {
  const surveys: ExpertSurvey[] = [];
  for await (const { router, outputs } of outputsByExpert(
    model,
    prompt,
    model.routers,
    options
  )) {
    const survey = surveyOutputs(router, outputs, similarityThreshold);
    // Non-finite values are found in weights and in traces, so they are not counted here.
    surveys.push({ ...survey, nonFinite: new Float64Array(router.experts) });
  }
  return surveys;
}

/**
 * Outputs of each expert on all tokens of a prompt, [tokens, width] per expert, for routers whose graph can run an expert
 * alone.
 * @throws MoEDebuggerError 'cancelled'
 */
export async function* outputsByExpert(
  model: LoadedModel,
  prompt: TokenizedPrompt,
  wanted: readonly Router[],
  { signal, onProgress }: OutputsOptions = {}
): AsyncGenerator<{ router: Router; outputs: Float32Array[] }> {
  const target = await probedSession(model).resolve({}).run();
  const routers = [...model.routers.keys()].filter(
    router =>
      wanted.includes(model.routers[router]) &&
      target.activations.routers[router].output !== undefined &&
      forces(probedSession(model).slots[router])
  );
  const { routing, outputs } = await recordActivations(
    model,
    target,
    prompt,
    { outputs: routers },
    signal
  );
  for (const [done, at] of routers.entries()) {
    const router = model.routers[at];
    onProgress?.({
      done,
      total: routers.length,
      what: `running the experts of ${layerName(router)}`
    });
    try {
      const { values, width } = await expertOutputs(
        model,
        prompt,
        {
          router: at,
          routing: withEveryExpert(routing[at]),
          added: outputs.get(at)!
        },
        { signal }
      );
      yield { router, outputs: byExpert(values, router.experts, width) };
    } catch (error) {
      if ((error as MoEDebuggerError).code !== 'model-unsupported') {
        throw error;
      }
    }
  }
}

/** Splits [tokens, experts, width] into [tokens, width] per expert. */
function byExpert(
  values: Float32Array,
  experts: number,
  width: number
): Float32Array[] {
  const tokens = values.length / (experts * width);
  return Array.from({ length: experts }, (_, expert) => {
    const own = new Float32Array(tokens * width);
    for (let t = 0; t < tokens; t++) {
      const start = (t * experts + expert) * width;
      own.set(values.subarray(start, start + width), t * width);
    }
    return own;
  });
}
