/** Rows of a trace, as DuckDB returns them. */
import type * as DuckDB from '@duckdb/node-api';

/** Lists are not copied: they are valid until the next chunk is fetched. */
export interface TraceRow {
  sample: string | null;
  domain: string | null;
  position: number | null;
  tokenId: number | null;
  text: string | null;
  stack: string | null;
  layer: number | null;
  module: string | null;
  experts: NumberList | null;
  weights: NumberList | null;
  logits: NumberList | null;
}

export const REQUIRED_COLUMNS = [
  'sample',
  'position',
  'layer',
  'experts'
] as const;

/** In the order of the query's columns. */
const SCALARS = {
  sample: 'VARCHAR',
  domain: 'VARCHAR',
  position: 'INTEGER',
  token_id: 'INTEGER',
  token_text: 'VARCHAR',
  stack: 'VARCHAR',
  layer: 'INTEGER',
  module: 'VARCHAR'
} as const;
const LISTS = {
  experts: 'INTEGER[]',
  weights: 'FLOAT[]',
  logits: 'FLOAT[]'
} as const;

/** Columns to select for `rowReader`; those that the file lacks are null. */
export function selectRows(columns: readonly string[]): string {
  const cast = ([name, type]: [string, string]): string =>
    columns.includes(name)
      ? `CAST(${name} AS ${type})`
      : `CAST(NULL AS ${type})`;
  const lists = Object.entries(LISTS);
  return [
    ...Object.entries(SCALARS).map(cast),
    ...lists.map(cast),
    // The length distinguishes a null list, which cannot be detected cheaply otherwise.
    ...lists.map(list => `CAST(len(${cast(list)}) AS INTEGER)`)
  ].join(', ');
}

export class NumberList {
  constructor(
    readonly length: number,
    private readonly _offset: number,
    private readonly _values: DuckDB.DuckDBVector
  ) {}

  at(index: number): number | null {
    return this._values.getItem(this._offset + index) as number | null;
  }
}

export function rowReader(
  chunk: DuckDB.DuckDBDataChunk
): (row: number) => TraceRow {
  const scalars = Object.keys(SCALARS).length;
  const lists = Object.keys(LISTS).length;
  const columns = Array.from({ length: chunk.columnCount }, (_, i) =>
    chunk.getColumnVector(i)
  );
  const text = (column: number, row: number): string | null =>
    columns[column].getItem(row) as string | null;
  const number = (column: number, row: number): number | null =>
    columns[column].getItem(row) as number | null;
  const list = (index: number, row: number): NumberList | null => {
    const length = number(scalars + lists + index, row);
    const vector = columns[scalars + index] as DuckDB.DuckDBListVector;
    return length === null
      ? null
      : new NumberList(length, vector.getEntryOffset(row), vector.childVector);
  };
  return row => ({
    sample: text(0, row),
    domain: text(1, row),
    position: number(2, row),
    tokenId: number(3, row),
    text: text(4, row),
    stack: text(5, row),
    layer: number(6, row),
    module: text(7, row),
    experts: list(0, row),
    weights: list(1, row),
    logits: list(2, row)
  });
}
