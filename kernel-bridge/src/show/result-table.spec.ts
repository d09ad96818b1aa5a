import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  tableBundle,
  tableCsv,
  tableHtml,
  tablePage,
  type ResultTable
} from './result-table';
import { resultForms, saveResult } from './save-result';

const HOSTILE = '<img src=x onerror="alert(1)">';
const table: ResultTable = {
  title: HOSTILE,
  columns: ['token', 'value'],
  rows: [
    [HOSTILE, 0.123456],
    ['a "b", c\n', -2],
    [null, 1e-9]
  ],
  tints: [0.5, -1, 0],
  notes: [HOSTILE]
};

describe('a table', () => {
  it('has every text escaped, in a cell and in a page', () => {
    for (const html of [tableHtml(table), tablePage(table)]) {
      expect(html).not.toContain('<img');
      expect(html.match(/&lt;img src=x/g)!.length).toBeGreaterThanOrEqual(3);
    }
  });

  it('colours the last cell by translucent colours, and sets none of its text', () => {
    const html = tableHtml(table);
    expect(html.match(/background-color: [^"]*/g)).toEqual([
      'background-color: rgba(31, 119, 180, 0.28)',
      'background-color: rgba(214, 39, 40, 0.55)',
      'background-color: rgba(31, 119, 180, 0.00)'
    ]);
    expect(html).not.toMatch(/[^-]color:/);
  });

  it('shows four digits, and as many rows as a cell bears', () => {
    expect(tableHtml(table)).toContain('>0.1235<');
    const long = {
      ...table,
      rows: Array.from({ length: 1000 }, (_, i) => [i, i]),
      tints: undefined
    };
    expect(tableHtml(long).match(/<tr>/g)).toHaveLength(201);
    expect(tableHtml(long)).toContain('and 800 more rows');
    expect(tableCsv(long).split('\r\n')).toHaveLength(1002);
  });

  it('breaks sentences into lines, and nothing else', () => {
    const sentence =
      'a sentence that says at length what was found here '.repeat(2);
    const html = tableHtml({ ...table, rows: [['a b', sentence]] });
    expect(html).toContain('<td>a b</td>');
    expect(html).toMatch(
      /<td[^>]*><div style="text-align: left; white-space: normal; width: 45ch">a sentence/
    );
  });

  it('is shown beside the text', () => {
    expect(tableBundle(table, 'words')).toEqual({
      'text/html': tableHtml(table),
      'text/plain': 'words'
    });
    expect(tableBundle([table, { ...table, title: 'b' }], '')).toMatchObject({
      'text/html': tableHtml(table) + tableHtml({ ...table, title: 'b' })
    });
  });

  it('is CSV as RFC 4180 has it, with all digits', () => {
    expect(tableCsv({ ...table, rows: table.rows.slice(1) })).toBe(
      'token,value\r\n"a ""b"", c\n",-2\r\n,1e-9\r\n'
    );
    expect(tableCsv(table)).toContain(',0.123456\r\n');
  });
});

describe('a result', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moe-save-'));
  const result = { toJSON: () => ({ schema: 'x@1' }) };
  const forms = resultForms(result, () => table);

  it('is written in the form that the ending says', async () => {
    await saveResult(join(folder, 'a.json'), forms);
    await saveResult(join(folder, 'a.CSV'), forms);
    expect(readFileSync(join(folder, 'a.json'), 'utf8')).toBe(
      '{"schema":"x@1"}\n'
    );
    expect(readFileSync(join(folder, 'a.CSV'), 'utf8')).toBe(tableCsv(table));
  });

  it.each([
    ['a.txt', /as \.txt/],
    ['a', /no extension/],
    ['a.toString', /as \.tostring/]
  ])('is not written as %s', async (name, message) => {
    const before = readdirSync(folder);
    await expect(saveResult(join(folder, name), forms)).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(message),
      hint: 'use .json, .csv, .html'
    });
    expect(readdirSync(folder)).toEqual(before);
  });
});
