/** Divides the pairs of a task into those that a circuit is found from, and those that it is measured on. */
import { MoEDebuggerError } from '../../../base/errors';
import { counted } from '../../../base/protocol';
import {
  promptKey,
  unseen,
  withoutCopies
} from '../../../run/model/distinct-prompts';
import type { Runnable } from '../../../run/model/runnable';
import { isMade } from '../../patching/two-runs';
import type { PromptPair } from './options';

/** Of fewer pairs, none is held out. */
const LEAST_SPLIT = 4;
const MAX_PAIRS = 10_000;

/** A pair, with its name in messages. */
export interface NamedPair {
  name: string;
  pair: PromptPair;
  /** Equal for pairs of the same prompts. */
  key: string;
}

export interface SplitPairs {
  found: NamedPair[];
  /** Empty: circuits are measured on the pairs that they were found from. */
  heldOut: NamedPair[];
  notes: string[];
}

const keyOf = ({ key }: NamedPair): string => key;

/**
 * A pair with the prompts of another counts once, and no pair is on both sides.
 * @throws MoEDebuggerError 'input' when there are no pairs, too many, or one is no pair, and when no held-out pair is left;
 * 'tokenizer'
 */
export function splitPairs(
  model: Pick<Runnable, 'tokenize'>,
  pairs: readonly PromptPair[],
  heldOut: readonly PromptPair[] | undefined
): SplitPairs {
  const own = withoutCopies(named(model, pairs, 'pairs'), keyOf, 'pair');
  const all = own.distinct;
  if (heldOut !== undefined) {
    const others = withoutCopies(
      named(model, heldOut, 'heldOut'),
      keyOf,
      'held-out pair'
    );
    const { kept, note } = unseen(others.distinct, all, keyOf, 'pair');
    if (kept.length === 0) {
      throw new MoEDebuggerError(
        'input',
        'every held-out pair is one that the circuit is found from',
        { where: 'heldOut', hint: 'give other pairs, or leave it out' }
      );
    }
    return {
      found: all,
      heldOut: kept,
      notes: given(own.note, others.note, note)
    };
  }
  if (all.length < LEAST_SPLIT) {
    return {
      found: all,
      heldOut: [],
      notes: [
        ...given(own.note),
        `${counted(all.length, 'pair')}: what they have in common is not told from what is peculiar to each, and circuits are measured on the pairs that they were found from; give ${LEAST_SPLIT} or more, better 20`
      ]
    };
  }
  return {
    found: all.filter((_, i) => i % 2 === 0),
    heldOut: all.filter((_, i) => i % 2 === 1),
    notes: given(own.note)
  };
}

function given(...notes: (string | undefined)[]): string[] {
  return notes.filter(note => note !== undefined);
}

function named(
  model: Pick<Runnable, 'tokenize'>,
  pairs: readonly PromptPair[],
  what: string
): NamedPair[] {
  const hint =
    'give a list of pairs such as [{ clean: "...", corrupted: "..." }]';
  if (!Array.isArray(pairs) || pairs.length === 0) {
    throw new MoEDebuggerError('input', 'there are no pairs of prompts', {
      where: what,
      hint
    });
  }
  if (pairs.length > MAX_PAIRS) {
    throw new MoEDebuggerError(
      'input',
      `${pairs.length} pairs are more than ${MAX_PAIRS}`,
      { where: what, hint: 'give a random sample of them' }
    );
  }
  return pairs.map((pair: PromptPair, i) => {
    const name = `${what === 'pairs' ? 'pair' : 'held-out pair'} ${i + 1}`;
    if (
      typeof pair !== 'object' ||
      pair === null ||
      pair.clean === undefined ||
      pair.corrupted === undefined
    ) {
      throw new MoEDebuggerError(
        'input',
        'a pair is an object with a clean and a corrupted prompt',
        { where: name, hint }
      );
    }
    return { name, pair, key: keyOfPrompts(model, pair, name) };
  });
}

/** @throws MoEDebuggerError naming the pair, for prompts that are none */
function keyOfPrompts(
  model: Pick<Runnable, 'tokenize'>,
  { clean, corrupted }: PromptPair,
  name: string
): string {
  try {
    return [
      promptKey(model.tokenize(clean)),
      isMade(corrupted)
        ? corrupted.embeddings
        : promptKey(model.tokenize(corrupted, 1))
    ].join(' / ');
  } catch (error) {
    throw namingPair(error, name);
  }
}

/** The same error, naming the pair. */
export function namingPair(error: unknown, name: string): unknown {
  if (!(error instanceof MoEDebuggerError) || error.code === 'cancelled') {
    return error;
  }
  return new MoEDebuggerError(error.code, `${name}: ${error.message}`, {
    cause: error
  });
}
