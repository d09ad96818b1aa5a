/**
 * `npm run test:faults`: the tests that damage, flood and kill, wholly; `npm test` tries a little of each. Writes what
 * was tried and what came out to docs/testing.md, if all passed. `npm run test:faults -- faults/traces` runs those whose
 * path has `faults/traces`, and keeps the other rows.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { faultRows, withFaults } from './faults/page.mjs';
import { cache, inRoot, tool } from './paths.mjs';
import { run } from './processes.mjs';
import { findBrowser } from './setup/browser.mjs';
import { freePort, isolatedJupyter } from './suites/servers.mjs';

const KERNEL_SPECS = ['test/faults/', 'test/fuzz.spec.ts'];
const BROWSER_SPECS = ['faults/'];
const SECONDS = 3 * 3600;
const page = inRoot('docs', 'testing.md');
const results = path.join(cache, 'faults.jsonl');

/** @returns whether all passed, or there were none of that name */
async function passed(command, options) {
  const { error } = await run([process.execPath, ...command], {
    ...options,
    env: { ...options.env, MOE_DEBUGGER_FAULTS: results },
    seconds: SECONDS,
    show: true
  });
  return !error;
}

mkdirSync(cache, { recursive: true });
rmSync(results, { force: true });
const named = process.argv.slice(2);
const specs = own => (named.length > 0 ? named : own);
// One after the other: each has processes of its own.
const inKernel = await passed(
  [tool('jest'), '--maxWorkers=1', '--passWithNoTests', ...specs(KERNEL_SPECS)],
  { cwd: inRoot('kernel-bridge') }
);
const inBrowser = await passed(
  [
    tool('@playwright/test', 'playwright'),
    'test',
    '--config=ui-tests',
    '--reporter=list',
    '--pass-with-no-tests',
    ...specs(BROWSER_SPECS)
  ],
  {
    cwd: inRoot(),
    env: {
      ...isolatedJupyter(),
      CHROMIUM_PATH: await findBrowser(),
      MOE_UI_PORT: String(await freePort())
    }
  }
);
if (inKernel && inBrowser) {
  const rows = faultRows(
    readFileSync(results, { encoding: 'utf8', flag: 'a+' })
  );
  writeFileSync(page, withFaults(readFileSync(page, 'utf8'), rows));
  await run([process.execPath, tool('prettier'), '--write', page], {
    seconds: 60
  });
} else {
  process.exitCode = 1;
}
