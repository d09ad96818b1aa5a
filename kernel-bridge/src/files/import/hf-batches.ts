/** Sequences of a dump, and their tokens. */
import { NO_TOKEN_ID, type Token } from '../../base/protocol';
import type { ArrayFile } from './array-file';
import type { StackArrays } from './hf-arrays';
import { refuse } from './importer';

export interface Batch {
  id: string;
  /** Excluding padding, which positions do not count. */
  tokens: Token[];
  /** Row of each token. */
  rows: number[];
}

const MAX_ID = 0x7fffffff;

/** @throws MoEDebuggerError 'input' when ids or mask have a different number of tokens than the logits */
export function* batchesOf(
  { arrays, ids: idsName, mask: maskName }: StackArrays,
  tokens: number,
  stem: string,
  path: string
): Generator<Batch, void, undefined> {
  const ids = find(arrays, idsName, tokens);
  const mask = find(arrays, maskName, tokens);
  const batch = batchSize(arrays, ids ?? mask, tokens);
  const length = tokens / batch;
  let any = false;
  for (let b = 0; b < batch; b++) {
    const from = b * length;
    const idOf = ids?.read(from, from + length);
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
        const id = idOf ? idOf[i] : NO_TOKEN_ID;
        own.push({
          position: own.length,
          id: id >= 0 && id <= MAX_ID ? id : NO_TOKEN_ID
        });
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

/** From ids or mask, [batch, tokens], or from logits with a batch axis, [batch, tokens, experts]. */
function batchSize(
  arrays: readonly ArrayFile[],
  ids: ArrayFile | undefined,
  tokens: number
): number {
  if (ids) {
    return ids.shape.length === 2 ? ids.shape[0] : 1;
  }
  const numbered = arrays.find(
    ({ shape, name }) => shape.length === 3 && /\d/.test(name)
  );
  const stacked = arrays.find(({ shape }) => shape.length === 4);
  const batch = numbered?.shape[0] ?? stacked?.shape[1] ?? 1;
  return tokens % batch === 0 ? batch : 1;
}
