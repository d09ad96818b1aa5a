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

/**
 * One section of a page that several specs write: what stands between `<!-- NAME -->` and `<!-- end of NAME -->`.
 * @param file name in docs/
 */
export function expectSection(file: string, name: string, text: string): void {
  const [from, to] = [`<!-- ${name} -->\n\n`, `\n\n<!-- end of ${name} -->`];
  const page = readFileSync(join(REPOSITORY, 'docs', file), 'utf8');
  const [before, after] = [page.indexOf(from), page.indexOf(to)];
  if (before < 0 || after < before) {
    throw new Error(
      `docs/${file} has no section ${from.trim()} ... ${to.trim()}`
    );
  }
  expectPage(
    file,
    page.slice(0, before + from.length) + text.trim() + page.slice(after)
  );
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
