import { expertPipelines } from '../../analyses/on-demand';
import type { PipelineOptions } from '../../analyses/behaviour/pipeline-options';
import { readTrace } from '../../files/trace/read-trace';
import { printResult, type ResultArguments } from './print-plan';
import { isTraceFile, withTraceOrModel } from './trace-target';
import { refuseUnused } from './unused-options';

export interface PipelinesArguments
  extends
    ResultArguments,
    Pick<PipelineOptions, 'alpha' | 'minLift' | 'span' | 'effectTokens'> {
  prompts?: string;
}

export async function pipelines(
  target: string,
  { prompts, out, json, ...options }: PipelinesArguments
): Promise<void> {
  if (isTraceFile(target)) {
    refuseUnused(
      'pipelines',
      // None of them is what a trace file has.
      { '--effect-tokens': options.effectTokens || undefined },
      {
        because: 'a trace file has no model to switch experts off in',
        hint: 'give the model and --prompts, or leave it out'
      }
    );
  }
  const found = await withTraceOrModel(target, prompts, {
    trace: async file => expertPipelines(await readTrace(file), options),
    model: (model, list, onProgress) =>
      model.expertPipelines(list, { ...options, onProgress })
  });
  await printResult(found, { out, json });
}
