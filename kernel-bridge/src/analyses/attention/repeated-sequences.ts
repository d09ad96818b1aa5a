/** Random tokens followed by the same tokens: a head's behaviour on them depends on order, not on meaning. */
import { MoEDebuggerError } from '../../base/errors';
import { randomNumbers } from '../../base/statistics/random';
import type { Runnable } from '../../run/model/runnable';
import { configCount } from '../../run/model/config';
import { vocabularySize } from '../../run/model/vocabulary';

/** Sequences of equal length: a start, a segment of tokens, and the same segment. */
export interface RepeatedSequences {
  ids: readonly (readonly number[])[];
  /** Tokens before the first copy. */
  start: number;
  /** Tokens of a copy. */
  length: number;
}

/**
 * Segments of distinct non-special tokens; each sequence starts with the tokens that the tokenizer prepends to a text.
 *
 * @throws MoEDebuggerError 'input' when the vocabulary has too few tokens
 */
export function repeatedSequences(
  model: Runnable,
  { count, length, seed }: { count: number; length: number; seed: number }
): RepeatedSequences {
  const { graph, config, tokenizer } = model;
  const size =
    vocabularySize(graph) ?? configCount(config.model, 'vocab_size') ?? 0;
  const special = specialIds(config.model);
  const ordinary = (id: number): boolean =>
    !special.has(id) && (!tokenizer || tokenizer.decode([id]) !== '');
  const random = randomNumbers(seed);
  const beginning = tokenizer ? textBeginning(tokenizer) : [];
  const segment = (): number[] => {
    const ids = new Set<number>();
    for (let draw = 0; draw < DRAWS * length && ids.size < length; draw++) {
      const id = Math.floor(random() * size);
      if (!ids.has(id) && ordinary(id)) {
        ids.add(id);
      }
    }
    if (ids.size < length) {
      throw new MoEDebuggerError(
        'input',
        `a vocabulary of ${size} has no ${length} distinct non-special tokens`,
        { where: 'length', hint: 'give a smaller length' }
      );
    }
    return [...ids];
  };
  return {
    start: beginning.length,
    length,
    ids: Array.from({ length: count }, () => {
      const own = segment();
      return [...beginning, ...own, ...own];
    })
  };
}

/** Draws per token of a segment before a vocabulary counts as too small. */
const DRAWS = 200;

/**
 * Validates given sequences: each must be the same tokens twice.
 * @throws MoEDebuggerError 'input' naming an invalid sequence
 */
export function givenSequences(
  ids: readonly (readonly number[])[]
): RepeatedSequences {
  if (!Array.isArray(ids) || !ids.every(Array.isArray)) {
    throw new MoEDebuggerError(
      'input',
      'the sequences are no list of lists of token ids',
      {
        where: 'sequences',
        hint: 'for example [[5, 9, 2, 7, 5, 9, 2, 7]]'
      }
    );
  }
  const length = (ids[0]?.length ?? 0) / 2;
  ids.forEach((own, i) => {
    if (
      own.length !== 2 * length ||
      own.some((id, at) => at >= length && id !== own[at - length])
    ) {
      throw new MoEDebuggerError(
        'input',
        `sequence ${i} is not ${length} tokens followed by the same tokens`,
        {
          where: 'sequences',
          hint: 'repeat a segment once'
        }
      );
    }
  });
  if (!Number.isInteger(length) || length < MIN_LENGTH) {
    throw new MoEDebuggerError(
      'input',
      ids.length === 0
        ? 'there are no sequences'
        : `a segment of ${length} tokens is too short`,
      { where: 'sequences', hint: `repeat at least ${MIN_LENGTH} tokens` }
    );
  }
  return { ids, start: 0, length };
}

/** Shortest segment: the prefix-matching score needs a token after the first one. */
export const MIN_LENGTH = 2;

function specialIds(model: Readonly<Record<string, unknown>>): Set<unknown> {
  return new Set(
    ['bos_token_id', 'eos_token_id', 'pad_token_id'].flatMap(
      name => model[name]
    )
  );
}

/** The tokens that a tokenizer prepends to every text. */
export function textBeginning(tokenizer: {
  encode(text: string, options?: { specialTokens?: boolean }): number[];
}): number[] {
  const whole = tokenizer.encode(SAMPLE);
  const plain = tokenizer.encode(SAMPLE, { specialTokens: false });
  for (let at = 0; at + plain.length <= whole.length; at++) {
    if (plain.every((id, i) => whole[at + i] === id)) {
      return whole.slice(0, at);
    }
  }
  return [];
}

const SAMPLE = 'a';
