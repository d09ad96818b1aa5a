/** Reads the prompt pairs of a task from a JSON Lines file. */
import { InvalidArgumentError } from 'commander';
import type { PromptPair } from '../../analyses/circuits/task/options';
import type { PatchTarget } from '../../analyses/patching/options';
import { readJsonLines, refuse, type JsonLine } from './json-lines';
import { parsePatchTarget } from './patch-target';

const HINT =
  'each line is {"clean": text | [ids], "corrupted": text | [ids], "target"?, "position"?}, with targets as --target takes them';

/** @throws MoEDebuggerError 'input' naming the line that is not a pair */
export async function readPairs(path: string): Promise<PromptPair[]> {
  const pairs: PromptPair[] = [];
  for await (const line of readJsonLines(path, { what: 'pairs', hint: HINT })) {
    pairs.push(parsePair(line));
  }
  return pairs;
}

function parsePair({ value, where }: JsonLine): PromptPair {
  const { clean, corrupted, target, position } = value;
  if (!isPrompt(clean) || !isPrompt(corrupted)) {
    refuse(
      'the line needs a clean and a corrupted prompt, each a text or a list of token ids',
      where,
      HINT
    );
  }
  if (position !== undefined && !Number.isInteger(position)) {
    refuse('the position is not a whole number', where, HINT);
  }
  return {
    clean,
    corrupted,
    ...(target === undefined ? {} : { target: targetOf(target, where) }),
    ...(position === undefined ? {} : { position: position as number })
  };
}

function isPrompt(value: unknown): value is string | number[] {
  return (
    typeof value === 'string' ||
    (Array.isArray(value) && value.every(Number.isInteger))
  );
}

function targetOf(target: unknown, where: string): PatchTarget {
  if (typeof target !== 'string') {
    refuse('the target is not a text', where, HINT);
  }
  try {
    return parsePatchTarget(target);
  } catch (error) {
    if (error instanceof InvalidArgumentError) {
      refuse(
        `the target cannot be ${JSON.stringify(target)}`,
        where,
        error.message
      );
    }
    throw error;
  }
}
