/** Edits of a batch whose rows are edited differently: one row an edit. */
import type { TensorData, TensorValue } from '../engine/messages';
import { MoEDebuggerError } from '../../base/errors';
import type { Step } from '../model/inputs';
import type { RunEdits } from './run-edits';

/**
 * The inputs of an edited graph for a batch.
 *
 * @param rows the edits of each row of `step`
 * @param reach how many of the first rows an input is of; all, unless the batch grows on its way through the graph
 * @returns tables for one row where all rows agree; where they do not, for all: [batch * tokens, width], or
 * [batch, tokens, width] of what is added to the residual stream
 * @throws MoEDebuggerError 'edit' for rows of different top-k, which a graph takes once a run
 */
export function batchFeeds(
  rows: readonly RunEdits[],
  step: Step,
  reach: (input: string) => number = () => rows.length
): Record<string, TensorValue> {
  const own = rows.map((edits, row) => edits.feeds(rowOf(step, row)));
  const tokens = step.ids[0].length;
  return Object.fromEntries(
    Object.keys(own[0]).map(name => [
      name,
      stack(
        own.slice(0, reach(name)).map(feeds => feeds[name]),
        tokens
      )
    ])
  );
}

function rowOf({ ids, positions, mask, cached }: Step, row: number): Step {
  return {
    ids: [ids[row]],
    positions: [positions[row]],
    mask: [mask[row]],
    cached
  };
}

function stack(tables: readonly TensorValue[], tokens: number): TensorValue {
  const [first] = tables;
  if (tables.length === 1 || tables.every(table => same(table, first))) {
    return first;
  }
  const rank = first.dims.length;
  const width = first.dims[rank - 1];
  // Tables of slots are as wide as k.
  if (rank < 2 || tables.some(({ dims }) => dims[rank - 1] !== width)) {
    throw new MoEDebuggerError(
      'edit',
      'edits of different top-k cannot ride in one batch',
      { hint: 'run them one after the other' }
    );
  }
  const data = emptyLike(first.data, tables.length * tokens * width);
  tables.forEach((table, row) => {
    const start = row * tokens * width;
    if (table.dims[rank - 2] === tokens) {
      set(data, table.data, start);
      return;
    }
    for (let token = 0; token < tokens; token++) {
      set(data, table.data, start + token * width);
    }
  });
  const dims =
    rank === 2
      ? [tables.length * tokens, width]
      : [tables.length, tokens, width];
  return { type: first.type, dims, data };
}

function same(a: TensorValue, b: TensorValue): boolean {
  return (
    a === b ||
    (a.data.length === b.data.length &&
      a.dims.join() === b.dims.join() &&
      a.data.every((value, i) => value === b.data[i]))
  );
}

function emptyLike(data: TensorData, length: number): TensorData {
  return new (data.constructor as new (length: number) => TensorData)(length);
}

/** Arrays of numbers and of bigints have no common `set`. */
function set(to: TensorData, from: TensorData, at: number): void {
  (to as Float32Array).set(from as Float32Array, at);
}
