/** Sections of docs/testing.md that commands write: between `<!-- COMMAND writes from here -->` and `<!-- to here -->`. */

const END = '<!-- to here -->';

function bounds(page, command) {
  const begin = `<!-- ${command} writes from here -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(END, from);
  if (from < 0 || to < 0) {
    throw new Error(`docs/testing.md has no ${begin} and ${END}`);
  }
  return [from + begin.length, to];
}

export function sectionOf(page, command) {
  return page.slice(...bounds(page, command)).trim();
}

export function withSection(page, command, text) {
  const [from, to] = bounds(page, command);
  return `${page.slice(0, from)}\n\n${text}\n\n${page.slice(to)}`;
}

/** A Markdown table; prettier aligns it. */
export function table(rows) {
  const [head, ...body] = rows.map(cells => `| ${cells.join(' | ')} |`);
  return [head, `|${' --- |'.repeat(rows[0].length)}`, ...body].join('\n');
}
