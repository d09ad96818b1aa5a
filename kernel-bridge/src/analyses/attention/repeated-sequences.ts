/** Random tokens, and the same again: what a head does on these, it does by the order of tokens and not by their sense. */
import { MoEDebuggerError } from '../../base/errors';
import { randomNumbers } from '../../base/statistics/random';
import type { LoadedModel } from '../../run/model/loaded-model';
import { configCount } from '../../run/model/config';
import { vocabularySize } from '../../run/model/vocabulary';

/** Sequences of one length: a beginning, a segment of tokens, and the segment again. */
export interface RepeatedSequences {
  ids: readonly (readonly number[])[];
  /** Tokens before the first copy. */
  start: number;
  /** Tokens of a copy. */
  length: number;
}

/**
 * Segments of different tokens, without special ones; they begin as the tokenizer begins a text.
 *
 * @throws MoEDebuggerError 'input' when the vocabulary has too few tokens
 */
export function repeatedSequences(
  model: LoadedModel,
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
        `a vocabulary of ${size} has no ${length} different tokens that are not special`,
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

/** Draws a token of a segment, on average, before a vocabulary counts as too small. */
const DRAWS = 200;

/**
 * Given sequences, checked: each the same tokens twice.
 * @throws MoEDebuggerError 'input' naming a sequence that is not
 */
export function givenSequences(
  ids: readonly (readonly number[])[]
): RepeatedSequences {
  const length = (ids[0]?.length ?? 0) / 2;
  ids.forEach((own, i) => {
    if (
      own.length !== 2 * length ||
      own.some((id, at) => at >= length && id !== own[at - length])
    ) {
      throw new MoEDebuggerError(
        'input',
        `sequence ${i} is not ${length} tokens and the same again`,
        {
          where: 'sequences',
          hint: 'repeat a segment of the same length twice'
        }
      );
    }
  });
  if (!Number.isInteger(length) || length < LEAST) {
    throw new MoEDebuggerError(
      'input',
      ids.length === 0
        ? 'there are no sequences'
        : `a segment of ${length} tokens is too short`,
      { where: 'sequences', hint: `repeat ${LEAST} tokens or more` }
    );
  }
  return { ids, start: 0, length };
}

/** Tokens of a segment, at least: with fewer there is no token to look up. */
export const LEAST = 2;

function specialIds(model: Readonly<Record<string, unknown>>): Set<unknown> {
  return new Set(
    ['bos_token_id', 'eos_token_id', 'pad_token_id'].flatMap(
      name => model[name]
    )
  );
}

/** What a tokenizer puts before every text by itself. */
function textBeginning(tokenizer: {
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
