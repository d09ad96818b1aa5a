/** The prompts of a command line: a text, token ids, or a file of many. */
import { MoEDebuggerError } from '../errors';
import type { PromptObject } from '../model/prompt';
import { readPrompts } from './prompts-file';

export interface PromptArguments {
  prompt?: string;
  inputIds?: number[];
  decoderInputIds?: number[];
  prompts?: string;
}

/** @throws MoEDebuggerError 'usage' unless exactly one kind of prompt was given */
export function givenPrompts(
  { prompt, inputIds, decoderInputIds, prompts }: PromptArguments,
  command: string
): Iterable<PromptObject> | AsyncIterable<PromptObject> {
  const given = [prompt, inputIds, prompts].filter(
    value => value !== undefined
  );
  if (given.length !== 1) {
    throw new MoEDebuggerError(
      'usage',
      given.length === 0
        ? `there is nothing to ${command}`
        : 'more than one kind of prompt was given',
      {
        where: command,
        hint: 'give one of --prompt, --input-ids and --prompts'
      }
    );
  }
  if (prompts !== undefined) {
    return readPrompts(prompts);
  }
  const decoder = decoderInputIds ? { decoderInputIds } : {};
  return [
    prompt === undefined
      ? { inputIds, ...decoder }
      : { text: prompt, ...decoder }
  ];
}
