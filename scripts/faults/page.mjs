/** The table of faults in docs/testing.md. */
import { sectionOf, table, withSection } from '../page-section.mjs';

const COMMAND = 'npm run test:faults';
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
  const kept = sectionOf(page, COMMAND)
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
  return withSection(page, COMMAND, table([HEAD, ...byFault.values()]));
}
