/** The routing that a command is given: a trace file, or prompts that a model runs. */
import { extname } from 'node:path';
import type { MoEModel } from '../../api/moe-model';
import { MoEDebuggerError } from '../../base/errors';
import type { Progress } from '../../base/progress';
import type { PromptObject } from '../../run/model/prompt';
import { openModel } from './open-model';
import { progress, progressBar } from './output';
import { readPrompts } from './prompts-file';

export function isTraceFile(target: string): boolean {
  return extname(target).toLowerCase() === '.parquet';
}

/** @throws MoEDebuggerError 'usage' where a trace is given prompts, or a model none */
export async function withTraceOrModel<T>(
  target: string,
  prompts: string | undefined,
  use: {
    trace: (file: string) => Promise<T>;
    model: (
      model: MoEModel,
      prompts: readonly PromptObject[],
      onProgress: (progress: Progress) => void
    ) => Promise<T>;
  }
): Promise<T> {
  if (isTraceFile(target)) {
    refusePrompts(prompts);
    return use.trace(target);
  }
  if (prompts === undefined) {
    throw new MoEDebuggerError('usage', 'a model needs prompts', {
      where: '--prompts',
      hint: 'give a JSON Lines file of prompts, or a Parquet trace instead of the model'
    });
  }
  const list: PromptObject[] = [];
  for await (const prompt of readPrompts(prompts)) {
    list.push(prompt);
  }
  progress('loading the model');
  const model = await openModel(target);
  try {
    const started = performance.now();
    return await use.model(model, list, ({ done, total, what }) =>
      progressBar(what ?? 'running prompts', done, total, started)
    );
  } finally {
    progress('');
    await model.dispose();
  }
}

/** @throws MoEDebuggerError 'usage' */
export function refusePrompts(prompts: string | undefined): void {
  if (prompts !== undefined) {
    throw new MoEDebuggerError('usage', 'a trace already contains prompts', {
      where: '--prompts',
      hint: 'give a model, or leave --prompts out'
    });
  }
}
