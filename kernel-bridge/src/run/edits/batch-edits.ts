/** Inputs of a batch with different edits per row. */
import type { TensorData, TensorValue } from '../engine/messages';
import { MoEDebuggerError } from '../../base/errors';
import type { Step } from '../model/inputs';
import type { RunEdits } from './run-edits';

/**
 * The inputs of an edited graph for a batch.
 *
 * @param rows the edits of each row of `step`
 * @param reach number of leading rows that each input applies to; all, unless the batch grows inside the graph
 * @returns tables for one row if all rows agree, otherwise for all: [batch * tokens, width], or [batch, tokens, width]
 * for additions to the residual stream
 * @throws MoEDebuggerError 'edit' for rows of different top-k, which is one input of the graph
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

function rowOf(
  { ids, positions, mask, cached, encoderIds }: Step,
  row: number
): Step {
  return {
    ids: [ids[row]],
    positions: [positions[row]],
    mask: [mask[row]],
    cached,
    // An encoder may run once for all rows.
    ...(encoderIds ? { encoderIds: [encoderIds[row] ?? encoderIds[0]] } : {})
  };
}

function stack(tables: readonly TensorValue[], tokens: number): TensorValue {
  const [first] = tables;
  if (tables.length === 1 || tables.every(table => same(table, first))) {
    return first;
  }
  const rank = first.dims.length;
  const width = first.dims[rank - 1];
  // Slot tables are k wide.
  if (rank < 2 || tables.some(({ dims }) => dims[rank - 1] !== width)) {
    throw new MoEDebuggerError(
      'edit',
      'edits of different top-k cannot share a batch',
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
