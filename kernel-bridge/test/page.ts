/** Pages of docs/ that tests generate: `npm test` compares them, `npm run pages` writes them. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './zoo';

/** @param file name in docs/ */
export function expectPage(file: string, text: string): void {
  const path = join(REPOSITORY, 'docs', file);
  if (process.env.MOE_DEBUGGER_PAGES === 'write') {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
  expect(readFileSync(path, 'utf8')).toBe(text);
}

/** A Markdown table with aligned columns, as prettier would write it. */
export function markdownTable(rows: string[][]): string {
  const widths = rows[0].map((_, column) =>
    Math.max(3, ...rows.map(row => row[column].length))
  );
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = rows;
  return [head, widths.map(width => '-'.repeat(width)), ...body]
    .map(line)
    .join('\n');
}
