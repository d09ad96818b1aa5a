/** Divides prompts into those that a plan is made from, and those that it is tried on. */
import { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel } from '../../run/model/loaded-model';
import {
  promptList,
  type Prompt,
  type TokenizedPrompt
} from '../../run/model/prompt';

/** For each prompt, whether it is in the second half: every second prompt of a domain. */
export function secondHalf(prompts: readonly { domain?: string }[]): boolean[] {
  const seen = new Map<string | undefined, number>();
  return prompts.map(({ domain }) => {
    const before = seen.get(domain) ?? 0;
    seen.set(domain, before + 1);
    return before % 2 === 1;
  });
}

/**
 * By default every second prompt of a domain is held out.
 * @param warnings gets what the held-out prompts cannot show
 * @throws MoEDebuggerError 'input' when there are no prompts, or none is held out
 */
export function splitPrompts(
  model: LoadedModel,
  prompts: Prompt | readonly Prompt[],
  heldOut: Prompt | readonly Prompt[] | undefined,
  warnings: string[]
): { calibration: TokenizedPrompt[]; heldOut: TokenizedPrompt[] } {
  const tokenize = (list: Prompt | readonly Prompt[]): TokenizedPrompt[] =>
    promptList(list).map((prompt, i) => model.tokenize(prompt, i));
  const given = tokenize(prompts);
  const held = secondHalf(given).map(second => heldOut === undefined && second);
  const calibration = given.filter((_, i) => !held[i]);
  const wanted =
    heldOut === undefined ? given.filter((_, i) => held[i]) : tokenize(heldOut);
  const measured = wanted.filter(prompt => lengthOf(prompt) > 1);
  if (calibration.length === 0 || measured.length === 0) {
    throw new MoEDebuggerError(
      'input',
      calibration.length === 0
        ? 'there are no prompts'
        : 'no held-out prompt has a next token',
      {
        where: calibration.length === 0 ? 'prompts' : 'heldOut',
        hint: 'give at least two prompts of each domain, or heldOut'
      }
    );
  }
  if (measured.length < wanted.length) {
    warnings.push(
      `${wanted.length - measured.length} held-out prompts have only one token, so there is no next token to predict`
    );
  }
  const domains = new Set(measured.map(({ domain }) => domain));
  const missing = [...new Set(given.map(({ domain }) => domain))].filter(
    domain => !domains.has(domain)
  );
  if (missing.length > 0) {
    warnings.push(
      `no held-out prompt of ${missing.map(domain => domain ?? 'no domain').join(', ')}: the effect there is unknown`
    );
  }
  return { calibration, heldOut: measured };
}

/** Tokens whose next token the model predicts. */
export function lengthOf({ ids, decoderIds }: TokenizedPrompt): number {
  return (decoderIds ?? ids).length;
}
