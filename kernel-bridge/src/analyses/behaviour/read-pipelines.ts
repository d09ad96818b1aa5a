/** Runs prompts and finds expert pipelines in their routing. */
import type { Progress } from '../../base/progress';
import { MoEDebuggerError } from '../../base/errors';
import { editNotes, type Runnable } from '../../run/model/runnable';
import type { TokenizedPrompt } from '../../run/model/prompt';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import type { TraceOptions } from '../../run/trace/trace-prompts';
import { findPipelines, type PipelineThresholds } from './expert-pipelines';
import { stepEffects } from './pipeline-effects';
import { pipelinesOf, type ExpertPipelines } from './pipelines-result';

export interface PipelineOptions extends PipelineThresholds {
  /**
   * Tokens per step on which the effect of the earlier expert on the later one's score is measured, by gradients. Default
   * 8; 0 for none.
   */
  effectTokens?: number;
  signal?: AbortSignal;
  /** Called while prompts run, then while effects are measured. */
  onProgress?: (progress: Progress) => void;
}

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
  const { alpha = 0.05, minLift = 1.5, span = 1, effectTokens = 8 } = options;
  checkOptions({ alpha, minLift, span, effectTokens });
  const { signal, onProgress } = options;
  const running = signal ? { signal } : {};
  const { samples } = await trace(prompts, {
    ...running,
    onProgress: progress =>
      onProgress?.({ ...progress, what: 'running prompts' })
  });
  const notes = editNotes(model);
  const statistics = findPipelines(samples, { alpha, minLift, span });
  const settings = { model: model.onnx.name, alpha, minLift, span };
  if (effectTokens === 0 || statistics.steps.length === 0) {
    return pipelinesOf(statistics, settings, [], notes);
  }
  try {
    const effects = await stepEffects(
      model,
      prompts,
      samples,
      statistics.steps,
      {
        tokens: effectTokens,
        ...running,
        ...(onProgress ? { onProgress } : {})
      }
    );
    return pipelinesOf(statistics, settings, effects, notes);
  } catch (error) {
    if (error instanceof MoEDebuggerError && NO_GRADIENTS.has(error.code)) {
      return pipelinesOf(
        statistics,
        settings,
        [],
        [...notes, `effects are left out: ${error.message}`]
      );
    }
    throw error;
  }
}

const NO_GRADIENTS = new Set(['gradient', 'model-unsupported']);

function checkOptions(
  options: Required<
    Pick<PipelineOptions, 'alpha' | 'minLift' | 'span' | 'effectTokens'>
  >
): void {
  const fits = {
    alpha: options.alpha > 0 && options.alpha <= 1,
    minLift: options.minLift > 0,
    span: Number.isInteger(options.span) && options.span > 0,
    effectTokens:
      Number.isInteger(options.effectTokens) && options.effectTokens >= 0
  };
  for (const [name, fine] of Object.entries(fits)) {
    if (!fine) {
      throw new MoEDebuggerError(
        'input',
        `${name} cannot be ${options[name as keyof typeof fits]}`,
        { where: name, hint: HINTS[name as keyof typeof fits] }
      );
    }
  }
}

const HINTS = {
  alpha: 'give a number above 0 and up to 1',
  minLift: 'give a number above 0',
  span: 'give a whole number of at least 1',
  effectTokens: 'give a whole number of at least 0'
};
