/** Criterion: a number computed from a model's output, compared with and without an expert. */
import { types } from 'node:util';
import { MoEDebuggerError } from '../../base/errors';
import { logProbability } from '../../base/statistics/logits';
import type { LoadedModel } from '../../run/model/loaded-model';

/** What a model says of a prompt. */
export interface CriterionOutput {
  prompt: string;
  /** [vocabulary], after the last token. */
  logits: Float32Array;
  /** Natural logarithm of a token's probability after the last token. */
  logProbability(token: number): number;
  /** Mean log-probability of the prompt's own tokens, each after those before it; NaN if the graph does not return them. */
  textLogProbability: number;
}

/**
 * A token, by id or by its text: its log-probability after the prompt. A text: 'own' for the mean log-probability of the
 * prompt's own tokens, which is less noisy than that of one token. A pattern: whether the greedily generated text matches. A
 * function: any number computed from the output.
 */
export type Criterion =
  | { token: number | string }
  | { text: 'own' }
  | { pattern: RegExp; maxNewTokens?: number }
  | { score: (output: CriterionOutput) => number };

/** What each kind of criterion must hold. */
const KINDS: Record<string, (value: unknown) => boolean> = {
  token: value => typeof value === 'number' || typeof value === 'string',
  text: value => value === 'own',
  // A notebook's patterns are of another realm.
  pattern: value => types.isRegExp(value),
  score: value => typeof value === 'function'
};

/** @throws MoEDebuggerError 'input' for what is no criterion, or more than one */
export function checkCriterion(criterion: unknown): void {
  const hint =
    "give one of { token: 5 }, { text: 'own' }, { pattern: /yes/ } and { score: output => ... }";
  if (typeof criterion !== 'object' || criterion === null) {
    throw new MoEDebuggerError(
      'input',
      criterion === undefined
        ? 'no criterion is given'
        : `a criterion cannot be ${JSON.stringify(criterion)}`,
      { where: 'criterion', hint }
    );
  }
  const given = Object.keys(KINDS).filter(kind => kind in criterion);
  if (given.length !== 1) {
    throw new MoEDebuggerError(
      'input',
      given.length === 0
        ? 'the criterion has no token, text, pattern or score'
        : `the criterion has ${given.join(' and ')}`,
      { where: 'criterion', hint }
    );
  }
  const [kind] = given;
  const value = (criterion as Record<string, unknown>)[kind];
  if (!KINDS[kind](value)) {
    throw new MoEDebuggerError(
      'input',
      `the ${kind} of a criterion cannot be ${JSON.stringify(value)}`,
      { where: 'criterion', hint }
    );
  }
}

/** A criterion on the distributions of next tokens. */
export type Score = (output: Omit<CriterionOutput, 'logProbability'>) => number;

/** @throws MoEDebuggerError 'input' or 'tokenizer' for an invalid token */
export function scoreOf(
  criterion: Exclude<Criterion, { pattern: RegExp }>,
  model: Pick<LoadedModel, 'tokenizer' | 'noTokenizer'>
): Score {
  if ('score' in criterion) {
    const { score } = criterion;
    return output =>
      score({
        ...output,
        logProbability: token => logProbability(output.logits, token)
      });
  }
  if ('text' in criterion) {
    return ownText;
  }
  const token = tokenOf(criterion.token, model);
  return ({ logits }) => {
    if (token >= logits.length) {
      throw new MoEDebuggerError(
        'input',
        `token id ${token} is not among the model's ${logits.length} outputs`,
        { where: 'criterion', hint: `ids run from 0 to ${logits.length - 1}` }
      );
    }
    return logProbability(logits, token);
  };
}

function ownText({
  prompt,
  textLogProbability
}: Pick<CriterionOutput, 'prompt' | 'textLogProbability'>): number {
  if (Number.isNaN(textLogProbability)) {
    throw new MoEDebuggerError(
      'input',
      `the log-probability of the own tokens of prompt ${JSON.stringify(prompt)} is not known: it has one token, or the graph returns only the last token's logits`,
      { where: 'criterion', hint: 'give longer prompts, or a token or score' }
    );
  }
  return textLogProbability;
}

function tokenOf(
  token: number | string,
  model: Pick<LoadedModel, 'tokenizer' | 'noTokenizer'>
): number {
  const { tokenizer, noTokenizer } = model;
  if (typeof token === 'string' && !tokenizer) {
    throw new MoEDebuggerError(
      'tokenizer',
      `${noTokenizer}, so a token cannot be given as text`,
      { where: 'criterion', hint: 'give a token id' }
    );
  }
  const ids =
    typeof token === 'string'
      ? tokenizer!.encode(token, { specialTokens: false })
      : [token];
  if (ids.length !== 1 || !Number.isInteger(ids[0]) || ids[0] < 0) {
    throw new MoEDebuggerError(
      'input',
      typeof token === 'string'
        ? `the text ${JSON.stringify(token)} is ${ids.length} tokens`
        : `${String(token)} is not a token id`,
      { where: 'criterion', hint: 'give one token' }
    );
  }
  return ids[0];
}
