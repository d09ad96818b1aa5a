/** Rows of a trace, as DuckDB returns them. */
import type * as DuckDB from '@duckdb/node-api';

/** Lists are not copied: they are valid until the next chunk is fetched. */
export interface TraceRow<List = NumberList> {
  run: string | null;
  sample: string | null;
  domain: string | null;
  position: number | null;
  tokenId: number | null;
  text: string | null;
  stack: string | null;
  layer: number | null;
  module: string | null;
  experts: List | null;
  weights: List | null;
  logits: List | null;
}

export const REQUIRED_COLUMNS = [
  'sample',
  'position',
  'layer',
  'experts'
] as const;

/** In the order of the query's columns. */
const SCALARS = {
  run: 'VARCHAR',
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

/** A file's columns: DuckDB's type by name. */
export type Columns = ReadonlyMap<string, string>;

const INTEGRAL = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/;

/** Columns to select for `rowReader`; those that the file lacks are null. */
export function selectRows(columns: Columns): string {
  const lists = Object.entries(LISTS);
  return [
    ...Object.entries(SCALARS).map(([name, type]) => cast(name, type, columns)),
    ...lists.map(([name, type]) => cast(name, type, columns)),
    // The length distinguishes a null list, which cannot be detected cheaply otherwise.
    ...lists.map(
      ([name, type]) => `CAST(len(${cast(name, type, columns)}) AS INTEGER)`
    )
  ].join(', ');
}

/** A cast that rounds nothing: fractions where the format has whole numbers are an error. */
function cast(name: string, type: string, columns: Columns): string {
  const stored = columns.get(name);
  if (stored === undefined) {
    return `CAST(NULL AS ${type})`;
  }
  const element = stored.replace(/\[\d*\]$/, '');
  if (!type.startsWith('INTEGER') || INTEGRAL.test(element)) {
    return `CAST(${name} AS ${type})`;
  }
  const refused = `error('${name} has a number that is not whole')`;
  return type === 'INTEGER'
    ? `CASE WHEN CAST(${name} AS DOUBLE) <> trunc(CAST(${name} AS DOUBLE)) THEN ${refused} ELSE CAST(${name} AS INTEGER) END`
    : `CASE WHEN len(list_filter(CAST(${name} AS DOUBLE[]), lambda x: x <> trunc(x))) > 0 THEN ${refused} ELSE CAST(${name} AS INTEGER[]) END`;
}

/** The number of bytes of the longest text of a row, by column. */
export function longestTexts(columns: Columns): Map<string, string> {
  return new Map(
    Object.entries(SCALARS)
      .filter(([name, type]) => type === 'VARCHAR' && columns.has(name))
      .map(([name]) => [
        name,
        `coalesce(max(strlen(CAST(${name} AS VARCHAR))), 0)`
      ])
  );
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
    run: text(0, row),
    sample: text(1, row),
    domain: text(2, row),
    position: number(3, row),
    tokenId: number(4, row),
    text: text(5, row),
    stack: text(6, row),
    layer: number(7, row),
    module: text(8, row),
    experts: list(0, row),
    weights: list(1, row),
    logits: list(2, row)
  });
}
