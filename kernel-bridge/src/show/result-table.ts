/** A result as a table: what a cell shows, and what a .csv or .html file of it holds. */
import { described, VEGA_LITE_5, type VegaLiteSpec } from '../base/charts';
import type { JsonObject } from '../base/kernel-api';
import { VEGALITE_MIME_TYPE } from '../base/protocol';
import { escapeHtml } from './page/escape-html';
import { reportPage, table, type ReportSection } from './page/page';
import { specSvg } from './still-svg';

export type TableCell = string | number | null;

export interface ResultTable {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly TableCell[])[];
  /** What is said below: notes, warnings. */
  notes?: readonly string[];
  /** By row, from -1 to 1: how strongly its last cell is coloured, blue above 0 and red below. */
  tints?: readonly number[];
}

/** Rows of a cell's output; a file has all. */
const MAX_SHOWN = 200;
const DIGITS = 4;
const SCROLLS = 'max-width: 100%; overflow-x: auto';
/** Sentences in a cell break into lines, others do not. */
const SENTENCE = 60;
const BREAKS = 'text-align: left; white-space: normal; width: 45ch';
/** Translucent, so that the page's own text stays legible on it, in a light and in a dark theme. */
const MAX_ALPHA = 0.55;

/** Tables in a cell, in the page's own colours; the text for places that show only text. */
export function tableBundle(
  tables: ResultTable | readonly ResultTable[],
  text: string
): JsonObject {
  return {
    'text/html': [tables].flat().map(tableHtml).join(''),
    'text/plain': text
  };
}

/**
 * A picture above its tables, in one form: a front end shows a single form of an output. Those that draw Vega-Lite and no
 * HTML still find it.
 *
 * @param spec of the picture
 */
export async function pictureBundle(
  spec: VegaLiteSpec,
  result: ResultTable | readonly ResultTable[],
  text: string
): Promise<JsonObject> {
  const tables = [result].flat();
  const picture = described(spec, tables[0].title);
  const svg = await specSvg(picture);
  return {
    ...drawnBundle(svg, tables, text),
    [VEGALITE_MIME_TYPE]: { ...picture, $schema: VEGA_LITE_5 },
    'image/svg+xml': svg
  };
}

/** A picture above tables, as one form. @param svg described by the title of the first table */
export function drawnBundle(
  svg: string,
  tables: readonly ResultTable[],
  text: string
): JsonObject {
  const data = Buffer.from(svg, 'utf8').toString('base64');
  // At its own size, since smaller labels are illegible. The class is styled by our extension: it has the picture follow a
  // dark theme.
  const picture = `<div style="${SCROLLS}"><img class="moe-StillPicture" src="data:image/svg+xml;base64,${data}" alt="${escapeHtml(tables[0].title)}" style="background-color: #ffffff; max-width: none"/></div>`;
  return {
    'text/html': picture + tables.map(tableHtml).join(''),
    'text/plain': text
  };
}

/** All text in it is escaped: tokens and names may be anybody's. It scrolls where it is wider than the output. */
export function tableHtml({
  title,
  columns,
  rows,
  notes = [],
  tints
}: ResultTable): string {
  const line = (row: readonly TableCell[], i: number): string =>
    `<tr>${row
      .map((cell, column) =>
        tints && column === row.length - 1
          ? `<td style="background-color: ${colour(tints[i])}">${cellHtml(cell)}</td>`
          : `<td>${cellHtml(cell)}</td>`
      )
      .join('')}</tr>`;
  const left = rows.length - MAX_SHOWN;
  return [
    `<div style="${SCROLLS}"><table style="table-layout: auto; width: max-content"><caption style="text-align: left">${escapeHtml(title)}</caption>`,
    `<thead><tr>${columns.map(name => `<th>${escapeHtml(name)}</th>`).join('')}</tr></thead>`,
    `<tbody>${rows.slice(0, MAX_SHOWN).map(line).join('')}</tbody></table></div>`,
    ...[...(left > 0 ? [`and ${left} more rows`] : []), ...notes].map(
      note => `<p>${escapeHtml(note)}</p>`
    )
  ].join('');
}

/** One file without scripts, light and dark. */
export function tablePage({
  title,
  columns,
  rows,
  notes = []
}: ResultTable): string {
  return reportPage(title, notes.join('; '), [
    tableSection('table', 'Table', { columns, rows })
  ]);
}

/** A table as a part of a page. */
export function tableSection(
  id: string,
  title: string,
  { columns, rows }: Pick<ResultTable, 'columns' | 'rows'>
): ReportSection {
  return {
    id,
    title,
    html: table(
      columns,
      rows.map(row => row.map(cellText))
    )
  };
}

/** RFC 4180, with all digits. */
export function tableCsv({ columns, rows }: ResultTable): string {
  return [columns, ...rows]
    .map(row => `${row.map(csvCell).join(',')}\r\n`)
    .join('');
}

function csvCell(cell: TableCell): string {
  const text = cell === null ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

function cellHtml(cell: TableCell): string {
  const text = cellText(cell);
  return text.length > SENTENCE
    ? `<div style="${BREAKS}">${escapeHtml(text)}</div>`
    : escapeHtml(text);
}

function cellText(cell: TableCell): string {
  return typeof cell !== 'number'
    ? (cell ?? '')
    : Number.isInteger(cell)
      ? String(cell)
      : String(Number(cell.toPrecision(DIGITS)));
}

function colour(tint: number): string {
  const alpha = (MAX_ALPHA * Math.min(1, Math.abs(tint))).toFixed(2);
  return tint < 0
    ? `rgba(214, 39, 40, ${alpha})`
    : `rgba(31, 119, 180, ${alpha})`;
}
