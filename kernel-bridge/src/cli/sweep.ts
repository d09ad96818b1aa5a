import { MoEDebuggerError } from '../errors';
import { loadModel } from '../model/load-model';
import type { PromptObject } from '../model/prompt';
import type { SweepMode } from '../protocol';
import { localModel } from './local-model';
import { INTERRUPTED, progress, progressBar, write, writeJson } from './output';
import { givenPrompts, type PromptArguments } from './given-prompts';

interface SweepArguments extends PromptArguments {
  mode?: SweepMode;
  layers?: number[];
  experts?: number[];
  target?: number | string;
  json?: boolean;
}

export async function sweep(
  path: string,
  { json, mode, layers, experts, target, ...given }: SweepArguments
): Promise<void> {
  const prompts: PromptObject[] = [];
  for await (const prompt of givenPrompts(given, 'sweep')) {
    prompts.push(prompt);
  }
  if (prompts.length === 0) {
    throw new MoEDebuggerError('input', 'the prompts file has no prompts', {
      where: '--prompts',
      hint: 'put one a line'
    });
  }
  const folder = await localModel(path);
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  progress('loading the model');
  try {
    const model = await loadModel(folder, { signal: interrupt.signal });
    try {
      const started = performance.now();
      const result = await model.sweep(prompts, {
        mode,
        layers,
        experts,
        target,
        signal: interrupt.signal,
        onCancel: 'return',
        onProgress: (done, total) =>
          progressBar('ablating', done, total, started)
      });
      progress('');
      await (json ? writeJson(result) : write(`${result.toString()}\n`));
      if (!result.complete) {
        process.exitCode = INTERRUPTED;
      }
    } finally {
      progress('');
      await model.dispose();
    }
  } finally {
    process.removeListener('SIGINT', onInterrupt);
  }
}
