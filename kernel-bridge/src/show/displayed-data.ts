/** Plain data that a cell displays as tables. For programs, and as JSON, it stays what it is. */
import { inspect } from 'node:util';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../base/kernel-api';
import { tableBundle, type ResultTable } from './result-table';

/** Adds how data is displayed, in a property that is not enumerable, and so no part of its JSON. */
export function displayedAs<T extends object>(
  data: T,
  bundle: () => JsonObject
): T & Displayable {
  return Object.defineProperty(data, MIMEBUNDLE, {
    value: bundle
  }) as T & Displayable;
}

/** Records that a cell displays as a table, and places that show only text as any list. */
export function displayedRecords<T extends object>(
  records: T[],
  table: (records: readonly T[]) => ResultTable
): T[] {
  return displayedAs(records, () =>
    tableBundle(table(records), inspect(records))
  );
}
