/** What every expert of a model puts out on the same tokens, whether they chose it or not. */
import {
  expertOutputs,
  forces,
  withEveryExpert
} from '../activations/expert-outputs';
import { recordActivations } from '../activations/record-activations';
import type { MoEDebuggerError } from '../errors';
import type { ModelParts } from '../model/model-parts';
import type { TokenizedPrompt } from '../model/prompt';
import { layerName } from '../protocol';
import { surveyOutputs, type ExpertSurvey } from './expert-survey';

/**
 * One survey a router, as experts run alone on one prompt: E + 1 forwards a layer. Routers whose graph does not let an
 * expert run alone are left out.
 *
 * @param onProgress is called before each layer
 * @throws MoEDebuggerError 'cancelled'
 */
export async function surveyModelOutputs(
  parts: ModelParts,
  prompt: TokenizedPrompt,
  similarityThreshold: number,
  {
    signal,
    onProgress
  }: {
    signal?: AbortSignal;
    onProgress?: (what: string) => void;
  } = {}
): Promise<ExpertSurvey[]> {
  const target = await parts.probed.resolve({}).run();
  const routers = [...parts.routers.keys()].filter(
    router =>
      target.activations.routers[router].output !== undefined &&
      forces(parts.probed.slots[router])
  );
  const { routing, outputs } = await recordActivations(
    parts,
    target,
    prompt,
    { outputs: routers },
    signal
  );
  const surveys: ExpertSurvey[] = [];
  for (const router of routers) {
    const { experts } = parts.routers[router];
    onProgress?.(`running the experts of ${layerName(parts.routers[router])}`);
    try {
      const { values, width } = await expertOutputs(
        parts,
        prompt,
        {
          router,
          routing: withEveryExpert(routing[router]),
          added: outputs.get(router)!
        },
        { signal }
      );
      const survey = surveyOutputs(
        parts.routers[router],
        byExpert(values, experts, width),
        similarityThreshold
      );
      // What is no number is found in the weights, and where runs show it.
      surveys.push({ ...survey, nonFinite: new Float64Array(experts) });
    } catch (error) {
      if ((error as MoEDebuggerError).code !== 'model-unsupported') {
        throw error;
      }
    }
  }
  return surveys;
}

/** [tokens, experts, width] to an expert each, [tokens, width]. */
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
