/** Token ids of arrays. */
import { NO_TOKEN_ID } from '../../base/protocol';
import type { ArrayFile } from './array-file';

const MAX_ID = 0x7fffffff;

/**
 * Ids of a range of elements, which may be stored as whole floats.
 * @throws MoEDebuggerError 'input' for a number that is not whole
 */
export function readTokenIds(
  array: ArrayFile,
  from: number,
  to: number
): Float64Array {
  const ids = array.read(from, to);
  const wrong = ids.findIndex(id => !Number.isInteger(id));
  if (wrong >= 0) {
    array.refuse(
      `${ids[wrong]} is not a token id`,
      `[${indexOf(from + wrong, array.shape).join(', ')}]`,
      'token ids are whole numbers: save those that the model was given'
    );
  }
  return ids;
}

/** Unknown for the negative ids that stand for images and for ignored tokens. */
export function tokenId(id: number | undefined): number {
  return id !== undefined && id >= 0 && id <= MAX_ID && Number.isInteger(id)
    ? id
    : NO_TOKEN_ID;
}

function indexOf(element: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  let rest = element;
  for (const length of [...shape].reverse()) {
    index.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return index;
}
