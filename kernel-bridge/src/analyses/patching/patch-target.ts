/** Resolves a patching target to a tensor of the graph and indices in it. */
import {
  likeliest,
  likeliestTwo,
  resolveTarget,
  tokenId,
  tokenOf
} from '../attribution/resolve-target';
import { MoEDebuggerError } from '../../base/errors';
import type { TargetKind } from '../../run/gradients/targets';
import type { Sequence } from '../../run/model/inputs';
import type { Runnable } from '../../run/model/runnable';
import type { TokenizedPrompt } from '../../run/model/prompt';
import type { CircuitTarget } from '../../base/protocol';
import type { PatchOptions } from './options';

export interface SettledTarget {
  kind: TargetKind;
  tensor: string;
  position: number;
  index: number;
  against?: number;
  /** As documents state it. */
  described: CircuitTarget;
}

/**
 * @param other the corrupted prompt, if it is a prompt
 * @throws MoEDebuggerError 'input' for a position, token, layer or expert that does not exist
 */
export async function settleTarget(
  model: Runnable,
  { target = { kind: 'logit' }, position: given }: PatchOptions,
  prompt: TokenizedPrompt,
  other: Sequence | undefined
): Promise<SettledTarget> {
  // What is no target at all is refused there.
  if (target?.kind !== 'logit-difference') {
    const found = resolveTarget(model, target, given, prompt);
    const index = found.index ?? (await likeliest(model, prompt, found));
    return {
      ...found,
      index,
      described: {
        kind: target.kind,
        position: found.position,
        ...(target.kind === 'router'
          ? {
              layer: target.layer,
              expert: target.expert,
              ...(target.stack ? { stack: target.stack } : {}),
              ...(target.module ? { module: target.module } : {})
            }
          : tokenOf(model, index))
      }
    };
  }
  const { token } = target;
  const found = resolveTarget(
    model,
    { kind: 'logit', ...(token === undefined ? {} : { token }) },
    given,
    prompt
  );
  const index = found.index ?? (await likeliest(model, prompt, found));
  const against =
    target.against === undefined
      ? await subtractedToken(model, other, found.position, index)
      : tokenId(model, target.against, 'target');
  if (against === index) {
    throw new MoEDebuggerError(
      'input',
      `the logit of ${nameOf(model, index)} minus itself is always 0`,
      { where: 'target', hint: 'name two tokens: token and against' }
    );
  }
  const subtracted = tokenOf(model, against);
  return {
    ...found,
    kind: 'difference',
    index,
    against,
    described: {
      kind: 'logit-difference',
      position: found.position,
      ...tokenOf(model, index),
      against,
      ...(subtracted.text === undefined ? {} : { againstText: subtracted.text })
    }
  };
}

/**
 * The token whose logit is subtracted where none is named: the most likely after the corrupted prompt.
 * @throws MoEDebuggerError 'input' where that is no other token
 */
async function subtractedToken(
  model: Runnable,
  other: Sequence | undefined,
  position: number,
  index: number
): Promise<number> {
  if (!other) {
    throw new MoEDebuggerError(
      'input',
      'a difference of logits needs a second token: without a corrupted prompt, none is the likeliest after it',
      {
        where: 'target',
        hint: 'name the token whose logit is subtracted, as against'
      }
    );
  }
  const [first, second] = await likeliestTwo(model, other, { position });
  if (first !== index) {
    return first;
  }
  throw new MoEDebuggerError(
    'input',
    `there is no difference of logits: both prompts have the same top token, ${nameOf(model, index)}`,
    {
      where: 'target',
      hint: `name the token whose logit is subtracted, as against: the next likeliest after the corrupted prompt is ${nameOf(model, second)}; or choose prompts that the model continues differently`
    }
  );
}

function nameOf(model: Runnable, id: number): string {
  const { text } = tokenOf(model, id);
  return text === undefined ? String(id) : `${id} (${JSON.stringify(text)})`;
}
