/** Divides the pairs of a task into those that a circuit is found from, and those that it is measured on. */
import { MoEDebuggerError } from '../../../base/errors';
import { counted } from '../../../base/protocol';
import type { PromptPair } from './options';

/** Of fewer pairs, none is held out. */
const LEAST_SPLIT = 4;
const MAX_PAIRS = 10_000;

/** A pair, with its name in messages. */
export interface NamedPair {
  name: string;
  pair: PromptPair;
}

export interface SplitPairs {
  found: NamedPair[];
  /** Empty: circuits are measured on the pairs that they were found from. */
  heldOut: NamedPair[];
  notes: string[];
}

/** @throws MoEDebuggerError 'input' when there are no pairs, too many, or one is no pair */
export function splitPairs(
  pairs: readonly PromptPair[],
  heldOut: readonly PromptPair[] | undefined
): SplitPairs {
  const all = named(pairs, 'pairs');
  if (heldOut !== undefined) {
    return { found: all, heldOut: named(heldOut, 'heldOut'), notes: [] };
  }
  if (all.length < LEAST_SPLIT) {
    return {
      found: all,
      heldOut: [],
      notes: [
        `${counted(all.length, 'pair')}: what they have in common is not told from what is peculiar to each, and circuits are measured on the pairs that they were found from; give ${LEAST_SPLIT} or more, better 20`
      ]
    };
  }
  return {
    found: all.filter((_, i) => i % 2 === 0),
    heldOut: all.filter((_, i) => i % 2 === 1),
    notes: []
  };
}

function named(pairs: readonly PromptPair[], what: string): NamedPair[] {
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
    return { name, pair };
  });
}
