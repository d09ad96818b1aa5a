/** The table of faults in docs/testing.md. */

const BEGIN = '<!-- npm run test:faults writes from here -->';
const END = '<!-- to here -->';
const HEAD = ['what', 'tried', 'came out'];

/** @param {string} lines a JSON list of the three cells a line, as the tests record them */
export function faultRows(lines) {
  return lines
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
}

/** The page with these rows; rows of faults that were not tried now stay. */
export function withFaults(page, rows) {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) {
    throw new Error(`docs/testing.md has no ${BEGIN} and ${END}`);
  }
  const kept = page
    .slice(from, to)
    .split('\n')
    .filter(line => line.startsWith('| '))
    .map(line =>
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim())
    )
    .filter(([what]) => what !== HEAD[0] && !/^-+$/.test(what));
  const byFault = new Map([...kept, ...rows].map(row => [row[0], row]));
  const table = [HEAD, HEAD.map(() => '---'), ...byFault.values()]
    .map(cells => `| ${cells.join(' | ')} |`)
    .join('\n');
  return `${page.slice(0, from)}${BEGIN}\n\n${table}\n\n${page.slice(to)}`;
}
