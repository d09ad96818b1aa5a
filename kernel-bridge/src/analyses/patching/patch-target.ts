/** Resolves a patching target to a tensor of the graph and indices in it. */
import {
  likeliest,
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
  if (target.kind !== 'logit-difference') {
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
    target.against !== undefined
      ? tokenId(model, target.against, 'target')
      : other && (await likeliest(model, other, found));
  if (against === undefined || against === index) {
    throw new MoEDebuggerError(
      'input',
      'the logit difference is undefined: both prompts have the same top token',
      { where: 'target', hint: 'name the token whose logit is subtracted' }
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
