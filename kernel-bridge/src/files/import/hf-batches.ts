/** Sequences of a dump, and their tokens. */
import { NO_TOKEN_ID, type Token } from '../../base/protocol';
import type { ArrayFile } from './array-file';
import type { RouterArray, StackArrays } from './hf-arrays';
import { refuse, type ImportContext } from './importer';
import { readTokenIds, tokenId } from './token-ids';

export interface Batch {
  id: string;
  /** Excluding padding, which positions do not count. */
  tokens: Token[];
  /** Row of each token. */
  rows: number[];
}

/** @throws MoEDebuggerError 'input' when ids or mask have a different number of tokens than the logits */
export function* batchesOf(
  { arrays, ids: idsName, mask: maskName }: StackArrays,
  { tokens, batch: axis }: RouterArray,
  stem: string,
  path: string,
  { note }: ImportContext
): Generator<Batch, void, undefined> {
  const ids = find(arrays, idsName, tokens);
  const mask = find(arrays, maskName, tokens);
  const batch = batchSize(axis, ids, mask);
  const length = tokens / batch;
  let any = false;
  for (let b = 0; b < batch; b++) {
    const from = b * length;
    const idOf = ids && readTokenIds(ids, from, from + length);
    const kept = mask?.read(from, from + length);
    // An additive mask has 0 where a token is kept: read as flags, it would keep the padding alone.
    const odd = kept?.find(value => value !== 0 && value !== 1);
    if (odd !== undefined) {
      refuse(
        `the attention mask has the value ${odd}`,
        path,
        `array ${maskName}`,
        'save a mask of ones for tokens and zeros for padding, not an additive one'
      );
    }
    const own: Token[] = [];
    const rows: number[] = [];
    for (let i = 0; i < length; i++) {
      if (!kept || kept[i] !== 0) {
        const id = tokenId(idOf?.[i]);
        if (idOf && id === NO_TOKEN_ID) {
          note(
            `${idsName} has numbers that are no token's id, such as ${idOf[i]}: these tokens are unknown`
          );
        }
        own.push({ position: own.length, id });
        rows.push(from + i);
      }
    }
    if (own.length > 0) {
      any = true;
      yield { id: batch === 1 ? stem : `${stem}/${b}`, tokens: own, rows };
    }
  }
  if (!any) {
    refuse(
      'the attention mask excludes all tokens',
      path,
      `array ${maskName}`,
      '1 is a token, 0 is padding'
    );
  }
}

function find(
  arrays: readonly ArrayFile[],
  name: string,
  tokens: number
): ArrayFile | undefined {
  const array = arrays.find(entry => entry.name === name);
  if (array && array.size !== tokens) {
    array.refuse(
      `the array has ${array.size} tokens, but the router logits have ${tokens}`,
      '',
      'save both from the same forward pass'
    );
  }
  return array;
}

/**
 * The number of sequences, by the axes of ids and mask, [batch, tokens], and of the logits, [batch, tokens, experts]. An array
 * without such an axis, or with one of length 1, does not tell it: it may be flattened.
 */
function batchSize(
  axis: number | undefined,
  ids: ArrayFile | undefined,
  mask: ArrayFile | undefined
): number {
  let batch = axis ?? 1;
  for (const array of [ids, mask]) {
    const [own, ...rest] = array?.shape ?? [];
    if (!array || rest.length !== 1 || own === 1 || own === batch) {
      continue;
    }
    if (batch !== 1) {
      array.refuse(
        `the array has ${own} sequences, but there are ${batch} by the other arrays`,
        '',
        'save all from the same forward pass'
      );
    }
    batch = own;
  }
  return batch;
}
