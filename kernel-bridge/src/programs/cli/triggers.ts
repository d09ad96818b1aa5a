import {
  ngramTriggers,
  TriggerTally,
  type TriggerOptions,
  type Triggers
} from '../../analyses/triggers';
import { openTrace } from '../../files/trace/read-trace';
import { printResult, type ResultArguments } from './print-plan';
import { withTraceOrModel } from './trace-target';

export interface TriggersArguments extends ResultArguments, TriggerOptions {
  prompts?: string;
}

export async function triggers(
  target: string,
  { prompts, out, json, ...options }: TriggersArguments
): Promise<void> {
  const found = await withTraceOrModel(target, prompts, {
    trace: file => ofFile(file, options),
    model: async (model, list, onProgress) =>
      ngramTriggers(await model.trace(list, { onProgress }), options)
  });
  await printResult(found, { out, json });
}

/** With one sample at a time in memory. */
async function ofFile(
  path: string,
  options: TriggerOptions
): Promise<Triggers> {
  const tally = new TriggerTally(options);
  const file = await openTrace(path);
  try {
    for await (const sample of file.samples()) {
      tally.add(sample);
    }
    const { metadata, integrity } = file;
    return tally.found({ ...metadata, integrity });
  } finally {
    file.close();
  }
}
