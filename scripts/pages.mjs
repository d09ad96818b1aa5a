/**
 * `npm run pages`: writes the pages of docs/ that tests generate, which `npm test` compares;
 * `npm run pages -- measures` one of them. Pages on models need
 * MOE_DEBUGGER_ZOO, and are left as they are without it.
 */
import { spawnSync } from 'node:child_process';
import { inRoot, tool } from './paths.mjs';

/** By page of docs/: the spec, or the folder of specs, that writes it. */
const SPECS = {
  measures: 'measures-page.spec.ts',
  models: 'truth.spec.ts',
  edits: 'edits.spec.ts',
  findings: 'findings.spec.ts',
  analyses: 'analyses/'
};

const named = process.argv.slice(2);
const unknown = named.filter(name => !(name in SPECS));
if (unknown.length > 0) {
  console.error(
    `There is no page "${unknown.join(', ')}": choose from ${Object.keys(SPECS).join(', ')}.`
  );
  process.exit(2);
}

const { status } = spawnSync(
  process.execPath,
  [
    tool('jest'),
    // Specs that write sections of one page must not do so at the same time.
    '--runInBand',
    ...(named.length > 0 ? named : Object.keys(SPECS)).map(
      name => `test/${SPECS[name]}`
    )
  ],
  {
    cwd: inRoot('kernel-bridge'),
    env: { ...process.env, MOE_DEBUGGER_PAGES: 'write' },
    stdio: 'inherit'
  }
);
process.exitCode = status ?? 1;
