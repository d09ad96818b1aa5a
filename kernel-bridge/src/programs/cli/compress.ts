import {
  compressionPlan,
  type CompressionOptions
} from '../../analyses/compression';
import type { PromptObject } from '../../run/model/prompt';
import { localModel } from './local-model';
import { openModel } from './open-model';
import { progress, progressBar, write, writeJson } from './output';
import { readPrompts } from './prompts-file';

export interface CompressArguments extends Pick<
  CompressionOptions,
  'keep' | 'ratio' | 'by'
> {
  prompts: string;
  json?: boolean;
}

export async function compress(
  path: string,
  { prompts: file, json, ...options }: CompressArguments
): Promise<void> {
  const prompts: PromptObject[] = [];
  for await (const prompt of readPrompts(file)) {
    prompts.push(prompt);
  }
  const folder = await localModel(path);
  progress('loading the model');
  const model = await openModel(folder);
  try {
    const started = performance.now();
    const plan = await compressionPlan(model, prompts, {
      ...options,
      onProgress: ({ done, total }) =>
        progressBar('measuring', done, total, started)
    });
    progress('');
    await (json ? writeJson(plan) : write(`${plan.toString()}\n`));
  } finally {
    progress('');
    await model.dispose();
  }
}
