/** Runs prompts and finds expert pipelines in their routing. */
import { MoEDebuggerError } from '../../base/errors';
import { editNotes, type Runnable } from '../../run/model/runnable';
import type { TokenizedPrompt } from '../../run/model/prompt';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import type { TraceOptions } from '../../run/trace/trace-prompts';
import { stepEffects } from './pipeline-effects';
import { pipelineOptions, type PipelineOptions } from './pipeline-options';
import type { ExpertPipelines } from './pipelines-result';
import { tracePipelines } from './trace-pipelines';

/**
 * @param trace runs prompts on the model
 * @throws MoEDebuggerError 'input' for an invalid option, 'capture', 'engine', 'cancelled'. If the graph cannot be
 * differentiated, the result has no effects and a note says why.
 */
export async function readPipelines(
  model: Runnable,
  trace: (
    prompts: readonly TokenizedPrompt[],
    options: TraceOptions
  ) => Promise<RoutingTrace>,
  prompts: readonly TokenizedPrompt[],
  options: PipelineOptions = {}
): Promise<ExpertPipelines> {
  const { effectTokens } = pipelineOptions(options);
  const { signal, onProgress } = options;
  const running = signal ? { signal } : {};
  const { samples } = await trace(prompts, {
    ...running,
    onProgress: progress =>
      onProgress?.({ ...progress, what: 'running prompts' })
  });
  const found = tracePipelines(
    { samples, model: model.onnx.name },
    options
  ).withNotes(editNotes(model));
  if (effectTokens === 0 || found.steps.length === 0) {
    return found;
  }
  try {
    const effects = await stepEffects(model, prompts, samples, found.steps, {
      tokens: effectTokens,
      ...running,
      ...(onProgress ? { onProgress } : {})
    });
    return found.withEffects(effects);
  } catch (error) {
    if (error instanceof MoEDebuggerError && NO_GRADIENTS.has(error.code)) {
      return found.withNotes([`effects are left out: ${error.message}`]);
    }
    throw error;
  }
}

const NO_GRADIENTS = new Set(['gradient', 'model-unsupported']);
