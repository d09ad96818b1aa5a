import { MoEDebuggerError } from '../../base/errors';
import type { AttributeArguments } from './attribute-arguments';
import { openModel } from './open-model';
import { progress, write, writeJson } from './output';

export async function attribute(
  path: string,
  { json, prompt, inputIds, ...options }: AttributeArguments
): Promise<void> {
  if ((prompt === undefined) === (inputIds === undefined)) {
    throw new MoEDebuggerError(
      'usage',
      prompt === undefined
        ? 'no prompt is given'
        : 'more than one kind of prompt is given',
      { where: 'attribute', hint: 'give one of --prompt and --input-ids' }
    );
  }
  const model = await openModel(path);
  try {
    const result = await model.attribute(prompt ?? inputIds!, {
      ...options,
      onProgress: ({ done, total }) => progress(`${done} of ${total} steps`)
    });
    progress('');
    await (json ? writeJson(result) : write(`${result.toString()}\n`));
  } finally {
    progress('');
    await model.dispose();
  }
}
