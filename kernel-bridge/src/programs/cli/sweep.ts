import type { Progress } from '../../base/progress';
import type { Criterion } from '../../analyses/causality/criterion';
import { MoEDebuggerError } from '../../base/errors';
import type { PromptObject } from '../../run/model/prompt';
import type { ExpertPlace, RouterPlace, SweepMode } from '../../base/protocol';
import type { SweepOptions } from '../../analyses/sweep/options';
import { localModel } from './local-model';
import { openModel } from './open-model';
import { INTERRUPTED, progress, progressBar, write, writeJson } from './output';
import { givenPrompts, type PromptArguments } from './given-prompts';

interface SweepArguments extends PromptArguments {
  mode?: SweepMode;
  layers?: RouterPlace[];
  experts?: (number | ExpertPlace)[];
  target?: number | string;
  criterion?: Criterion;
  json?: boolean;
}

export async function sweep(
  path: string,
  { json, mode, layers, experts, target, criterion, ...given }: SweepArguments
): Promise<void> {
  if (criterion && target !== undefined) {
    throw new MoEDebuggerError(
      'usage',
      '--criterion and --target exclude each other',
      {
        where: '--target',
        hint: 'leave --target out'
      }
    );
  }
  const swept = sweptExperts(layers, experts);
  const prompts: PromptObject[] = [];
  for await (const prompt of givenPrompts(given, 'sweep')) {
    prompts.push(prompt);
  }
  if (prompts.length === 0) {
    throw new MoEDebuggerError('input', 'the prompts file has no prompts', {
      where: '--prompts',
      hint: 'put one prompt per line'
    });
  }
  const folder = await localModel(path);
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  progress('loading the model');
  try {
    const model = await openModel(folder, { signal: interrupt.signal });
    try {
      const started = performance.now();
      const options = {
        mode,
        ...swept,
        signal: interrupt.signal,
        onProgress: ({ done, total }: Progress) =>
          progressBar('ablating', done, total, started)
      };
      const result = criterion
        ? await model.causalExperts(prompts, { ...options, criterion })
        : await model.sweep(prompts, {
            ...options,
            target,
            onCancel: 'return'
          });
      progress('');
      await (json ? writeJson(result) : write(`${result.toString()}\n`));
      if ('complete' in result && !result.complete) {
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

/** @throws MoEDebuggerError 'usage' for experts with places beside what would choose their layers */
function sweptExperts(
  layers: SweepArguments['layers'],
  experts: SweepArguments['experts']
): Pick<SweepOptions, 'layers' | 'experts' | 'only'> {
  const only = experts?.filter(own => typeof own === 'object') ?? [];
  if (only.length === 0) {
    return { layers, experts: experts as number[] | undefined };
  }
  if (layers || only.length < experts!.length) {
    throw new MoEDebuggerError(
      'usage',
      'some experts were named with their layer, some without',
      {
        where: '--experts',
        hint: 'give --layers L,... --experts E,..., or --experts L:E,... alone'
      }
    );
  }
  return { only };
}
