/** The tests of these scripts, by Node's own runner. */
import { readdirSync } from 'node:fs';
import { inRoot } from '../paths.mjs';
import { run } from '../processes.mjs';
import { readJUnit, readReport, reportPath } from './reports.mjs';
import { withCrash } from './results.mjs';

const SECONDS = 300;

export const scripts = {
  name: 'scripts',
  title: 'Scripts (node --test)',
  async run() {
    const file = reportPath('scripts.xml');
    const specs = readdirSync(inRoot('scripts'), { recursive: true })
      .filter(name => name.endsWith('.test.mjs'))
      .sort()
      .map(name => inRoot('scripts', name));
    const { error } = await run(
      [
        process.execPath,
        '--test',
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        '--test-reporter=junit',
        `--test-reporter-destination=${file}`,
        ...specs
      ],
      { seconds: SECONDS, show: true }
    );
    return withCrash(readJUnit(readReport(file)), error, this.title);
  }
};
