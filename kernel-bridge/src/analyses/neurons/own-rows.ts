/** Which rows of the activations are an expert's, and how many of these tokens fill. */
import { MoEDebuggerError } from '../../base/errors';
import { layerName } from '../../base/protocol';
import type { HiddenUnits } from './hidden-units';

export interface OwnRows {
  indices: readonly number[];
  /** Rows that tokens fill: the others of a buffer are 0. */
  filled: number;
}

interface Routed {
  /** Tokens of the prompt. */
  tokens: number;
  /** Positions of those that select the expert. */
  positions: readonly number[];
  /** Number of those that give it a weight. */
  kept: number;
}

/**
 * A tensor with a row for each token has the expert's at their positions. Another has them where the router put them, such
 * as a buffer of the expert's capacity: the order does not matter then, but rows that no token fills must be 0.
 *
 * @param all [rows][neurons]
 * @param slopes of the target, likewise
 * @param ids the expert of each row, where rows are gathered
 * @throws MoEDebuggerError 'model-unsupported' where the rows of tokens cannot be told from empty ones
 */
export function ownRows(
  { rows, rowsAreTokens, router, expert }: HiddenUnits,
  all: readonly Float32Array[],
  slopes: readonly Float32Array[],
  ids: readonly number[] | undefined,
  { tokens, positions, kept }: Routed
): OwnRows {
  if (ids) {
    const indices = ids.flatMap((id, row) => (id === expert ? [row] : []));
    return { indices, filled: indices.length };
  }
  const count = rows.kind === 'own' ? all.length : all.length / router.experts;
  const first = rows.kind === 'own' ? 0 : expert * count;
  if (rowsAreTokens && count === tokens) {
    return { indices: positions.map(t => first + t), filled: positions.length };
  }
  const indices = Array.from({ length: count }, (_, row) => first + row);
  if (rows.kind === 'own' && count <= positions.length) {
    return { indices, filled: count };
  }
  const nonzero = (row: Float32Array): boolean => row.some(own => own !== 0);
  const used = indices.filter(row => nonzero(all[row]) || nonzero(slopes[row]));
  if (used.length > kept) {
    throw new MoEDebuggerError(
      'model-unsupported',
      'the rows of its hidden units are not the tokens, and empty rows are not 0, so that they cannot be told apart',
      {
        where: `${layerName(router)}, expert ${expert}`,
        hint: 'scale the whole expert instead: with({ scale: [...] })'
      }
    );
  }
  return { indices, filled: kept };
}

/** A tensor's last axis, row by row. */
export function rowsOf(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, row) =>
    values.subarray(row * width, (row + 1) * width)
  );
}
