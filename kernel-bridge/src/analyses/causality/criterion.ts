/** Criterion: a number computed from a model's output, compared with and without an expert. */
import { MoEDebuggerError } from '../../base/errors';
import { logProbability } from '../../base/statistics/logits';
import type { LoadedModel } from '../../run/model/loaded-model';

/** The output after a prompt's last token. */
export interface CriterionOutput {
  prompt: string;
  /** [vocabulary] */
  logits: Float32Array;
  /** Natural logarithm of a token's probability. */
  logProbability(token: number): number;
}

/**
 * A token, by id or by its text: its log-probability after the prompt. A pattern: whether the greedily generated text
 * matches. A function: any number computed from the output.
 */
export type Criterion =
  | { token: number | string }
  | { pattern: RegExp; maxNewTokens?: number }
  | { score: (output: CriterionOutput) => number };

/** A criterion on the next token's distribution. */
export type Score = (prompt: string, logits: Float32Array) => number;

/** @throws MoEDebuggerError 'input' or 'tokenizer' for an invalid token */
export function scoreOf(
  criterion: Exclude<Criterion, { pattern: RegExp }>,
  model: Pick<LoadedModel, 'tokenizer' | 'noTokenizer'>
): Score {
  if ('score' in criterion) {
    const { score } = criterion;
    return (prompt, logits) =>
      score({
        prompt,
        logits,
        logProbability: token => logProbability(logits, token)
      });
  }
  const token = tokenOf(criterion.token, model);
  return (_, logits) => {
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
