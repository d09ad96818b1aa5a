import { MoEDebuggerError } from '../../base/errors';
import type { Prompt } from '../../run/model/prompt';
import { editsOf, type EditArguments } from './edits';
import { openModel } from './open-model';
import { progress, write, writeJson } from './output';

interface LensArguments extends EditArguments {
  prompt?: string;
  inputIds?: number[];
  top?: number;
  positions?: 'last' | 'all' | number[];
  experts?: boolean;
  json?: boolean;
}

export async function lens(
  path: string,
  { json, prompt, inputIds, ...options }: LensArguments
): Promise<void> {
  if ((prompt === undefined) === (inputIds === undefined)) {
    throw new MoEDebuggerError(
      'usage',
      prompt === undefined
        ? 'no prompt is given'
        : 'more than one kind of prompt is given',
      { where: 'lens', hint: 'give one of --prompt and --input-ids' }
    );
  }
  const edits = editsOf(options);
  const model = await openModel(path);
  try {
    const given: Prompt = prompt ?? inputIds!;
    const result = await model.lens(given, {
      top: options.top,
      positions: options.positions,
      experts: options.experts,
      edits,
      onProgress: ({ done, total }) => progress(`${done} of ${total} runs`)
    });
    progress('');
    await (json ? writeJson(result) : write(`${result.toString()}\n`));
  } finally {
    progress('');
    await model.dispose();
  }
}
