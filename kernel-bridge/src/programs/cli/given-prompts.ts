/** Prompts of a command line: a text, token ids, or a file of many. */
import type { Command } from 'commander';
import { MoEDebuggerError } from '../../base/errors';
import type { PromptObject } from '../../run/model/prompt';
import { parseIds } from './option-values';
import { readPrompts } from './prompts-file';

export interface PromptArguments {
  prompt?: string;
  inputIds?: number[];
  decoderInputIds?: number[];
  prompts?: string;
}

/** Adds the prompt options to a command. @param file whether it accepts a file of many */
export function addPromptOptions(
  command: Command,
  { file = true } = {}
): Command {
  command
    .option('--prompt <text>', 'a text')
    .option('--input-ids <ids>', 'token ids, for example "1,2,3"', parseIds)
    .option(
      '--decoder-input-ids <ids>',
      "token ids of an encoder-decoder model's decoder",
      parseIds
    );
  return file
    ? command.option(
        '--prompts <file>',
        'a JSON Lines file with one {"id"?, "text" | "input_ids", "domain"?} per line'
      )
    : command;
}

/** @throws MoEDebuggerError 'usage' unless exactly one kind of prompt is given */
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
        ? `${command} needs a prompt`
        : 'more than one kind of prompt is given',
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
