import { expertPipelines } from '../../analyses/on-demand';
import type { PipelineOptions } from '../../analyses/behaviour/pipeline-options';
import { readTrace } from '../../files/trace/read-trace';
import { printResult, type ResultArguments } from './print-plan';
import { withTraceOrModel } from './trace-target';

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
  const found = await withTraceOrModel(target, prompts, {
    trace: async file => expertPipelines(await readTrace(file), options),
    model: (model, list, onProgress) =>
      model.expertPipelines(list, { ...options, onProgress })
  });
  await printResult(found, { out, json });
}
