import {
  layerName,
  MAX_TOKEN_ROWS,
  type TokenPage,
  type TraceOutline
} from 'moe-debugger/protocol';
import type { ITraceSource } from '../../source';
import { segmentsOf } from './chip';
import type { NetworkModel } from './model';

/** A table as texts: what a file or the clipboard gets. */
export interface ITable {
  columns: string[];
  rows: string[][];
}

/** More would make a page slow that holds them all. */
const MAX_SAVED = 200_000;
/** Rows of a table that people read as text. */
export const MAX_COPIED = 1000;

/**
 * The tokens that the filter accepts, in the order of the list, with their choices in each layer: the experts, largest weight
 * first, their weights, and the margin where logits were recorded.
 *
 * @throws Error with a text for the user
 */
export async function listedTokens(
  source: ITraceSource,
  { filter, order }: Pick<NetworkModel, 'filter' | 'order'>,
  most = MAX_SAVED
): Promise<ITable> {
  const { outline } = source;
  const table: ITable = { columns: [], rows: [] };
  for (let from = 0; from < most;) {
    const page = await source.tokens({
      filter,
      ...order,
      from,
      count: Math.min(MAX_TOKEN_ROWS, most - from)
    });
    if (from === 0) {
      table.columns = columnsOf(page);
    }
    table.rows.push(...rowsOf(page, outline));
    from += page.rows.length;
    if (page.rows.length === 0 || from >= page.matches) {
      break;
    }
  }
  return table;
}

function columnsOf({ layers }: TokenPage): string[] {
  return [
    'index',
    'sample',
    'domain',
    'position',
    'id',
    'text',
    ...layers.flatMap(layer => {
      const name = layerName(layer);
      return [
        `${name} experts`,
        ...(layer.weights.length > 0 ? [`${name} weights`] : []),
        ...(layer.margins.length > 0 ? [`${name} margin`] : [])
      ];
    })
  ];
}

function rowsOf(
  { rows, layers }: TokenPage,
  outline: TraceOutline | undefined
): string[][] {
  return rows.map((token, row) => [
    String(token.index),
    outline?.samples[token.sample]?.id ?? String(token.sample),
    outline?.samples[token.sample]?.domain ?? '',
    String(token.position),
    String(token.id),
    token.text ?? '',
    ...layers.flatMap(layer => {
      const chosen = segmentsOf(layer, row) ?? [];
      const margin = layer.margins[row];
      return [
        chosen.map(({ expert }) => expert).join(' '),
        ...(layer.weights.length > 0
          ? [chosen.map(({ weight = NaN }) => digits(weight)).join(' ')]
          : []),
        ...(layer.margins.length > 0 ? [digits(margin)] : [])
      ];
    })
  ]);
}

/** All digits of a float32, and nothing for what is unknown. */
function digits(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(9))) : '';
}

/** RFC 4180. */
export function csvOf({ columns, rows }: ITable): string {
  const cell = (text: string): string =>
    /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  return [columns, ...rows]
    .map(row => `${row.map(cell).join(',')}\r\n`)
    .join('');
}

/** GitHub's tables: what is not text there is escaped. */
export function markdownOf({ columns, rows }: ITable): string {
  const line = (row: readonly string[]): string =>
    `| ${row
      .map(text =>
        text
          .replace(/[\\|`<>*_[\]]/g, character => `\\${character}`)
          .replace(/\r?\n/g, '↵')
      )
      .join(' | ')} |\n`;
  return [
    line(columns),
    `|${columns.map(() => ' --- |').join('')}\n`,
    ...rows.map(line)
  ].join('');
}
