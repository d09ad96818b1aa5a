/** Divides prompts into those that a plan is made from, and those that it is tried on. */
import { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel } from '../../run/model/loaded-model';
import {
  promptKey,
  unseen,
  withoutCopies
} from '../../run/model/distinct-prompts';
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
 * By default every second prompt of a domain is held out. A copy counts once, and never on both sides.
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
  const all = tokenize(prompts);
  const { distinct: given, note: copies } = withoutCopies(all, promptKey);
  const held = secondHalf(given).map(second => heldOut === undefined && second);
  const calibration = given.filter((_, i) => !held[i]);
  const { distinct, note: heldOutCopies } = withoutCopies(
    heldOut === undefined ? given.filter((_, i) => held[i]) : tokenize(heldOut),
    promptKey,
    'held-out prompt'
  );
  const { kept: wanted, note: shared } = unseen(
    distinct,
    calibration,
    promptKey
  );
  const left = [copies, heldOutCopies, shared].filter(
    note => note !== undefined
  );
  const measured = wanted.filter(prompt => lengthOf(prompt) > 1);
  if (calibration.length === 0 || measured.length === 0) {
    throw new MoEDebuggerError(
      'input',
      calibration.length === 0
        ? 'there are no prompts'
        : wanted.length === 0 && left.length > 0
          ? `no held-out prompt is left: ${left.join('; ')}`
          : 'no held-out prompt has a next token',
      {
        where: calibration.length === 0 ? 'prompts' : 'heldOut',
        hint: 'give at least two different prompts of each domain, or others as heldOut'
      }
    );
  }
  warnings.push(...left);
  if (measured.length < wanted.length) {
    warnings.push(
      `${wanted.length - measured.length} held-out prompts have only one token, so there is no next token to predict`
    );
  }
  const domains = new Set(measured.map(({ domain }) => domain));
  const missing = [...new Set(all.map(({ domain }) => domain))].filter(
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
