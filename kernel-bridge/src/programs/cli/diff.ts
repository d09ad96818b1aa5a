import { diffRouting } from '../../analyses/diff/routing-diff';
import { nearMissThresholds } from '../../analyses/margins/near-miss';
import type { EditedModel } from '../../api/edited-model';
import { MoEDebuggerError } from '../../base/errors';
import type { MoEModel } from '../../api/moe-model';
import type { PromptObject } from '../../run/model/prompt';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { editsOf, type EditArguments } from './edits';
import { givenPrompts, type PromptArguments } from './given-prompts';
import { openModel } from './open-model';
import { progress, write, writeJson } from './output';

interface DiffArguments extends EditArguments, PromptArguments {
  against?: string;
  againstIds?: number[];
  againstModel?: string;
  nearMiss?: number;
  logits?: 'last' | 'all';
  json?: boolean;
}

/** The first run is the model's own; `--against...` and EDITS determine the second. */
export async function diff(
  path: string,
  options: DiffArguments
): Promise<void> {
  nearMissThresholds(options);
  const edits = editsOf(options);
  const given = givenPrompts(options, 'diff');
  const other = otherPrompt(options);
  if (!edits && !other && options.againstModel === undefined) {
    throw new MoEDebuggerError('usage', 'there is nothing to compare with', {
      where: 'diff',
      hint: 'give edits such as --ablate, another prompt with --against, or another model with --against-model'
    });
  }
  const prompts: PromptObject[] = [];
  for await (const prompt of given) {
    prompts.push(prompt);
  }
  const { logits = 'last' } = options;
  const run = (
    model: MoEModel | EditedModel,
    list: readonly PromptObject[],
    which: string
  ): Promise<RoutingTrace> =>
    model.trace(list, {
      logits,
      onProgress: ({ done, total }) =>
        progress(`${which} run: ${done} of ${total} prompts`)
    });
  const models = [await openModel(path)];
  try {
    if (options.againstModel !== undefined) {
      models.push(await openModel(options.againstModel));
    }
    const [model] = models;
    const second = models[models.length - 1];
    // Validate edits before anything runs.
    const target = edits ? second.with(edits) : second;
    const before = await run(model, prompts, 'first');
    const after = await run(target, other ?? prompts, 'second');
    progress('');
    const result = diffRouting(before, after, { nearMiss: options.nearMiss });
    await (options.json ? writeJson(result) : write(`${result.toString()}\n`));
  } finally {
    await Promise.all(models.map(model => model.dispose()));
  }
}

/** @throws MoEDebuggerError 'usage' for more than one prompt on either side */
function otherPrompt({
  against,
  againstIds,
  prompts
}: DiffArguments): PromptObject[] | undefined {
  if (against === undefined && againstIds === undefined) {
    return undefined;
  }
  if (prompts !== undefined || (against !== undefined && againstIds)) {
    throw new MoEDebuggerError(
      'usage',
      prompts === undefined
        ? 'two prompts are given to compare with'
        : 'a file of prompts cannot be compared with one prompt',
      {
        where: againstIds ? '--against-ids' : '--against',
        hint: 'compare one prompt with one other'
      }
    );
  }
  return [againstIds ? { inputIds: againstIds } : { text: against }];
}
