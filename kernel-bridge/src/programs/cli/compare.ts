import { compareModels } from '../../analyses/comparison';
import { MoEDebuggerError } from '../../base/errors';
import { readTrace } from '../../files/trace/read-trace';
import type { PromptObject } from '../../run/model/prompt';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { givenPrompts, type PromptArguments } from './given-prompts';
import { openModel } from './open-model';
import { progress, write, writeJson } from './output';
import { isTraceFile } from './trace-target';
import { refuseUnused } from './unused-options';

interface CompareArguments extends PromptArguments {
  out?: string;
  json?: boolean;
}

/** Traces are read; models run the prompts one after the other, so that one is in memory at a time. */
export async function compare(
  paths: readonly string[],
  { out, json, ...options }: CompareArguments
): Promise<void> {
  if (paths.length < 2) {
    throw new MoEDebuggerError('usage', 'there is nothing to compare with', {
      where: 'compare',
      hint: 'give two models or traces, or more'
    });
  }
  const prompts: PromptObject[] = [];
  if (paths.every(isTraceFile)) {
    refuseUnused(
      'compare',
      {
        '--prompts': options.prompts,
        '--prompt': options.prompt,
        '--input-ids': options.inputIds,
        '--decoder-input-ids': options.decoderInputIds
      },
      { because: 'traces already contain prompts' }
    );
  } else {
    for await (const prompt of givenPrompts(options, 'compare')) {
      prompts.push(prompt);
    }
  }
  const traces: RoutingTrace[] = [];
  for (const path of paths) {
    traces.push(
      isTraceFile(path) ? await readTrace(path) : await run(path, prompts)
    );
  }
  progress('');
  const comparison = compareModels(traces);
  if (out !== undefined) {
    await comparison.save(out);
  }
  await (json ? writeJson(comparison) : write(`${comparison.toString()}\n`));
}

async function run(
  path: string,
  prompts: readonly PromptObject[]
): Promise<RoutingTrace> {
  const model = await openModel(path);
  try {
    return await model.trace(prompts, {
      onProgress: ({ done, total }) =>
        progress(`${model.name}: ${done} of ${total} prompts`)
    });
  } catch (error) {
    if (!(error instanceof MoEDebuggerError)) {
      throw error;
    }
    // Of several models, the one that cannot run the prompts is named.
    throw new MoEDebuggerError(
      error.code,
      `${model.name} cannot run the prompts: ${error.message}`,
      { cause: error }
    );
  } finally {
    await model.dispose();
  }
}
