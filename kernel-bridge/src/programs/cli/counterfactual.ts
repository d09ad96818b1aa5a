import type { Counterfactual } from '../../analyses/counterfactual/counterfactual';
import { runCounterfactual } from '../../analyses/counterfactual/run-counterfactual';
import type { Edits } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import { editsOf, type EditArguments } from './edits';
import { openModel } from './open-model';
import { progress, write, writeJson } from './output';

type Format = 'text' | 'json' | 'dot' | 'mermaid' | 'html';

interface CounterfactualArguments extends EditArguments {
  prompt?: string;
  inputIds?: number[];
  decoderInputIds?: number[];
  from?: number;
  total?: boolean;
  maxRuns?: number;
  nearMiss?: number;
  format?: Format;
  json?: boolean;
}

export async function counterfactual(
  path: string,
  options: CounterfactualArguments
): Promise<void> {
  const { prompt, inputIds, decoderInputIds, from } = options;
  if ((prompt === undefined) === (inputIds === undefined)) {
    throw new MoEDebuggerError(
      'usage',
      prompt === undefined
        ? 'no prompt is given'
        : 'more than one kind of prompt is given',
      { where: 'counterfactual', hint: 'give one of --prompt and --input-ids' }
    );
  }
  const edits = editsOf(options);
  if (!edits) {
    throw new MoEDebuggerError('usage', 'there are no edits', {
      where: 'counterfactual',
      hint: 'give edits such as --ablate'
    });
  }
  const model = await openModel(path);
  try {
    const result = await runCounterfactual(
      model.loaded,
      {
        ...(inputIds ? { inputIds } : { text: prompt }),
        ...(decoderInputIds ? { decoderInputIds } : {})
      },
      from === undefined ? edits : editsFrom(edits, from),
      {
        direct: !options.total,
        maxRuns: options.maxRuns,
        nearMiss: options.nearMiss,
        onProgress: ({ done, total }) => progress(`${done} of ${total} runs`)
      }
    );
    progress('');
    await print(result, options.json ? 'json' : (options.format ?? 'text'));
  } finally {
    await model.dispose();
  }
}

/** Limits edits to tokens from a position on. @throws MoEDebuggerError 'usage' for an edit that always applies to all */
function editsFrom({ topK, ...edits }: Edits, from: number): Edits {
  if (topK !== undefined) {
    throw new MoEDebuggerError('usage', 'top-k applies to all tokens', {
      where: '--top-k',
      hint: 'leave out --from'
    });
  }
  return Object.fromEntries(
    Object.entries(edits).map(([kind, list]) => [
      kind,
      list.map((edit: object) => ({ ...edit, tokens: [from] }))
    ])
  );
}

function print(result: Counterfactual, format: Format): Promise<void> {
  switch (format) {
    case 'json':
      return writeJson(result);
    case 'dot':
      return write(result.toDOT());
    case 'mermaid':
      return write(result.toMermaid());
    case 'html':
      return write(result.toHTML());
    case 'text':
      return write(`${result.toString()}\n`);
  }
}
