/** Options of format sensitivity, and their validation. */
import { MoEDebuggerError } from '../../base/errors';
import type { Progress } from '../../base/progress';
import type { Prompt, PromptObject } from '../../run/model/prompt';
import { FORMAT_KINDS, type FormatKind } from './text-changes';

export interface FormatOptions {
  /** Kinds of change to make. Default: all. */
  kinds?: readonly FormatKind[];
  /** Of what is random in the changes. Default 0. */
  seed?: number;
  signal?: AbortSignal;
  /** Called after each text. */
  onProgress?: (progress: Progress) => void;
}

const MAX_SEED = 2 ** 32;

/** @throws MoEDebuggerError 'input' naming the invalid option */
export function checkOptions({ kinds, seed }: FormatOptions): {
  kinds: readonly FormatKind[];
  seed: number;
} {
  if (
    seed !== undefined &&
    !(Number.isInteger(seed) && seed >= 0 && seed < MAX_SEED)
  ) {
    throw new MoEDebuggerError('input', `seed cannot be ${String(seed)}`, {
      where: 'seed',
      hint: `give a whole number from 0 to ${MAX_SEED - 1}`
    });
  }
  const unknown =
    kinds !== undefined &&
    (Array.isArray(kinds)
      ? kinds.find(kind => !FORMAT_KINDS.includes(kind))
      : kinds);
  if (unknown !== undefined && unknown !== false) {
    throw new MoEDebuggerError(
      'input',
      `there is no kind of change ${JSON.stringify(unknown)}`,
      { where: 'kinds', hint: `give a list of ${FORMAT_KINDS.join(', ')}` }
    );
  }
  if (kinds?.length === 0) {
    throw new MoEDebuggerError('input', 'no kind of change is given', {
      where: 'kinds',
      hint: `give some of ${FORMAT_KINDS.join(', ')}, or leave it out`
    });
  }
  return {
    kinds: FORMAT_KINDS.filter(kind => kinds?.includes(kind) ?? true),
    seed: seed ?? 0
  };
}

/** Prompts that are texts; what is no prompt at all is refused when it is tokenized. */
export function textOf(
  prompt: Prompt,
  index: number
): PromptObject & { text: string } {
  const given =
    typeof prompt === 'string' ? { text: prompt } : (prompt as PromptObject);
  if (typeof given?.text !== 'string') {
    throw new MoEDebuggerError(
      'input',
      'only a text can be written in another format',
      {
        where: `prompt ${given?.id ?? index + 1}`,
        hint: 'give prompts as texts, for example formatSensitivity(model, ["The cat sat."])'
      }
    );
  }
  return given as PromptObject & { text: string };
}
