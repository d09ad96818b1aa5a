/**
 * Distinct prompts are the units of every statistic over prompts: a model does the same with a copy, so a copy is no
 * further evidence, and a held-out copy of a prompt that something was fitted to does not test it.
 */
import {
  NO_TOKEN_ID,
  counted,
  layerName,
  type RoutingSample,
  type Token
} from '../../base/protocol';
import type { TokenizedPrompt } from './prompt';

/** The same for prompts of the same tokens, whatever their ids and domains are. */
export function promptKey({
  ids,
  decoderIds
}: Pick<TokenizedPrompt, 'ids' | 'decoderIds'>): string {
  return [ids, decoderIds ?? []].map(own => own.join()).join(';');
}

/**
 * The same for samples of the same tokens that are routed alike, whatever their ids and domains are. A sample whose tokens are
 * unknown is a copy of none.
 */
export function sampleKey(
  { tokens, encoderTokens = [], layers }: RoutingSample,
  index: number
): string {
  const all = [...tokens, ...encoderTokens];
  const isKnown = all.every(
    token => token.id !== NO_TOKEN_ID || token.text !== undefined
  );
  const texts = (list: readonly Token[]): string[] =>
    list.map(({ id: own, text = '' }) =>
      own === NO_TOKEN_ID ? `=${text}` : String(own)
    );
  return JSON.stringify(
    isKnown && all.length > 0
      ? [
          texts(tokens),
          texts(encoderTokens),
          layers.map(layer => [layerName(layer), checksum(layer.selected)])
        ]
      : index
  );
}

/** FNV-1a over numbers: samples of other tokens are told apart before it is asked. */
function checksum(values: Int32Array): number {
  let hash = 0x811c9dc5;
  for (const value of values) {
    hash = Math.imul(hash ^ value, 0x01000193);
  }
  return hash;
}

/** Keeps the first of each key. `note` says how many copies were dropped; undefined for none. */
export function withoutCopies<T>(
  items: readonly T[],
  keyOf: (item: T, index: number) => string,
  what = 'prompt'
): { distinct: T[]; note?: string } {
  const distinct = new Map<string, T>();
  items.forEach((item, i) => {
    const key = keyOf(item, i);
    if (!distinct.has(key)) {
      distinct.set(key, item);
    }
  });
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
