import { balanceLoad, type BalanceOptions } from '../../analyses/balance';
import type { PromptObject } from '../../run/model/prompt';
import { localModel } from './local-model';
import { openModel } from './open-model';
import { progress, progressBar, write, writeJson } from './output';
import { readPrompts } from './prompts-file';

export interface BalanceArguments extends Pick<
  BalanceOptions,
  'target' | 'place'
> {
  prompts: string;
  out?: string;
  json?: boolean;
}

export async function balance(
  path: string,
  { prompts: file, out, json, ...options }: BalanceArguments
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
    const plan = await balanceLoad(model, prompts, {
      ...options,
      onProgress: ({ done, total }) =>
        progressBar('balancing', done, total, started)
    });
    progress('');
    if (out !== undefined) {
      await plan.save(out);
    }
    await (json ? writeJson(plan) : write(`${plan.toString()}\n`));
  } finally {
    progress('');
    await model.dispose();
  }
}
