/** Resolves an attribution target to a tensor of the graph and an index in it. */
import { toFloat32 } from '../../run/engine/tensor-values';
import { MoEDebuggerError } from '../../base/errors';
import type { TargetKind } from '../../run/gradients/targets';
import { wholeSequence, type Sequence } from '../../run/model/inputs';
import type { Runnable } from '../../run/model/runnable';
import type { TokenizedPrompt } from '../../run/model/prompt';
import { findPlace, layerName } from '../../base/protocol';
import type { AttributionTarget } from './options';

export interface ResolvedTarget {
  kind: TargetKind;
  tensor: string;
  position: number;
  /** undefined: the entry with the highest score. */
  index: number | undefined;
}

/** @throws MoEDebuggerError 'input' for a position, token, layer or expert that does not exist */
export function resolveTarget(
  model: Runnable,
  target: AttributionTarget,
  given: number | undefined,
  prompt: TokenizedPrompt
): ResolvedTarget {
  checkKind(target);
  const router = target.kind === 'router' ? routerOf(model, target) : undefined;
  const ids =
    router?.stack === 'encoder'
      ? prompt.ids
      : (prompt.decoderIds ?? prompt.ids);
  const position = given ?? ids.length - 1;
  if (!Number.isInteger(position) || position < 0 || position >= ids.length) {
    throw new MoEDebuggerError(
      'input',
      `there is no token ${position} in a prompt of ${ids.length}`,
      { where: 'position', hint: `give 0 to ${ids.length - 1}` }
    );
  }
  if (target.kind === 'router') {
    return {
      kind: 'entry',
      tensor: router!.tensors.logits,
      position,
      index: target.expert
    };
  }
  return {
    kind: target.kind === 'logit' ? 'entry' : 'log-probability',
    tensor: model.logits,
    position,
    index:
      target.token === undefined
        ? undefined
        : tokenId(model, target.token, 'target')
  };
}

/** The entry with the highest score at a position. */
export async function likeliest(
  model: Runnable,
  sequence: Sequence,
  at: Pick<ResolvedTarget, 'position'>
): Promise<number> {
  return (await likeliestTwo(model, sequence, at))[0];
}

/** The two entries with the highest scores at a position. */
export async function likeliestTwo(
  { session, inputs, logits }: Runnable,
  sequence: Sequence,
  { position }: Pick<ResolvedTarget, 'position'>
): Promise<[number, number]> {
  const { outputs } = await session.run(
    inputs.feeds(wholeSequence(sequence)),
    [logits],
    { rows: { [logits]: [position] } }
  );
  const scores = toFloat32(outputs[logits]);
  const best = (than: number): number =>
    scores.reduce(
      (most, x, i) => (i !== than && (most < 0 || x > scores[most]) ? i : most),
      -1
    );
  const first = best(-1);
  return [first, best(first)];
}

/** @throws MoEDebuggerError 'input' for what is no target of an attribution */
function checkKind(target: AttributionTarget): void {
  const { kind } = (target ?? {}) as { kind?: unknown };
  if (!KINDS.includes(kind as (typeof KINDS)[number])) {
    throw new MoEDebuggerError(
      'input',
      kind === undefined
        ? `a target cannot be ${JSON.stringify(target)}`
        : `there is no target of kind ${JSON.stringify(kind)} here`,
      {
        where: 'target',
        hint:
          kind === 'logit-difference'
            ? "circuits and patches have it; attribute { kind: 'logit', token } of each of the two tokens"
            : `give an object such as { kind: 'logit' }, of kind ${KINDS.join(', ')}`
      }
    );
  }
}

const KINDS = ['logit', 'log-probability', 'router'] as const;

/** Id and text of a token, as a target states them. */
export function tokenOf(
  model: Runnable,
  id: number
): { token: number; text?: string } {
  const [{ text }] = model.tokens([id]);
  return { token: id, ...(text === undefined ? {} : { text }) };
}

function routerOf(
  { routers }: Runnable,
  { expert, ...place }: Extract<AttributionTarget, { kind: 'router' }>
): Runnable['routers'][number] {
  const router =
    routers[findPlace(place, routers, 'input', { where: 'target' })];
  if (!Number.isInteger(expert) || expert < 0 || expert >= router.experts) {
    throw new MoEDebuggerError(
      'input',
      `${layerName(router)} has no expert ${expert}`,
      { where: 'target', hint: `choose 0 to ${router.experts - 1}` }
    );
  }
  return router;
}

/**
 * Resolves a token given by its id or its text.
 * @param where name of the option, for messages
 * @throws MoEDebuggerError 'input' for an id beyond the vocabulary, or a text that is not one token
 */
export function tokenId(
  model: Runnable,
  token: number | string,
  where: string
): number {
  if (typeof token === 'number') {
    // Validates like a prompt's ids: a whole number within the vocabulary.
    return model.tokenize([token]).ids[0];
  }
  if (typeof token !== 'string') {
    throw new MoEDebuggerError(
      'input',
      `a ${where} cannot be the token ${JSON.stringify(token)}`,
      { where, hint: 'give the id of one token, or its text' }
    );
  }
  const { tokenizer, noTokenizer } = model;
  const ids = tokenizer?.encode(token, { specialTokens: false }) ?? [];
  if (ids.length !== 1) {
    throw new MoEDebuggerError(
      'input',
      tokenizer
        ? `${JSON.stringify(token)} is ${ids.length} tokens; a ${where} must be one`
        : `${noTokenizer}, so the ${where} cannot be given as text`,
      { where, hint: 'give the id of one token' }
    );
  }
  return ids[0];
}
