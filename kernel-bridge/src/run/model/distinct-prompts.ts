/**
 * Distinct prompts are the units of every statistic over prompts: a model does the same with a copy, so a copy is no
 * further evidence, and a held-out copy of a prompt that something was fitted to does not test it.
 */
import { counted } from '../../base/protocol';
import type { TokenizedPrompt } from './prompt';

/** The same for prompts of the same tokens, whatever their ids and domains are. */
export function promptKey({
  ids,
  decoderIds
}: Pick<TokenizedPrompt, 'ids' | 'decoderIds'>): string {
  return [ids, decoderIds ?? []].map(own => own.join()).join(';');
}

/** Keeps the first of each key. `note` says how many copies were dropped; undefined for none. */
export function withoutCopies<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  what = 'prompt'
): { distinct: T[]; note?: string } {
  const distinct = new Map<string, T>();
  for (const item of items) {
    const key = keyOf(item);
    if (!distinct.has(key)) {
      distinct.set(key, item);
    }
  }
  const copies = items.length - distinct.size;
  return {
    distinct: [...distinct.values()],
    ...(copies > 0
      ? {
          note: `${copies} of ${counted(items.length, what)} ${copies === 1 ? 'is a copy of another and is' : 'are copies of others and are'} counted once`
        }
      : {})
  };
}

/** Keeps held-out items that nothing was fitted to. `note` says how many were dropped; undefined for none. */
export function unseen<T>(
  heldOut: readonly T[],
  fitted: readonly T[],
  keyOf: (item: T) => string,
  what = 'prompt'
): { kept: T[]; note?: string } {
  const seen = new Set(fitted.map(keyOf));
  const kept = heldOut.filter(item => !seen.has(keyOf(item)));
  const shared = heldOut.length - kept.length;
  return {
    kept,
    ...(shared > 0
      ? {
          note: `${shared} of ${counted(heldOut.length, `held-out ${what}`)} ${shared === 1 ? 'is' : 'are'} left out, with the same tokens as one that the result was found from`
        }
      : {})
  };
}
