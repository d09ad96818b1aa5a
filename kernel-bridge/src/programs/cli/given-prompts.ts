/** The prompts of a command line: a text, token ids, or a file of many. */
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

/** Adds the kinds of prompts that can be given to a command. @param file whether a file of many is one of them */
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
        'a JSON Lines file: {"id"?, "text" | "input_ids", "domain"?} a line'
      )
    : command;
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
