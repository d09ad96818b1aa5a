/**
 * `npm run test:faults`: the tests that damage, flood and kill, wholly; `npm test` tries a little of each. Writes what
 * was tried and what came out to docs/testing.md, if all passed. `npm run test:faults -- traces` runs those whose name
 * has `traces`, and keeps the other rows.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { faultRows, withFaults } from './faults/page.mjs';
import { cache, inRoot, tool } from './paths.mjs';

const SPECS = ['test/faults/', 'test/fuzz.spec.ts'];
const page = inRoot('docs', 'testing.md');
const results = path.join(cache, 'faults.jsonl');

mkdirSync(cache, { recursive: true });
rmSync(results, { force: true });
const named = process.argv.slice(2);
const { status } = spawnSync(
  process.execPath,
  // One after the other: each has processes of its own.
  [tool('jest'), '--maxWorkers=1', ...(named.length > 0 ? named : SPECS)],
  {
    cwd: inRoot('kernel-bridge'),
    env: { ...process.env, MOE_DEBUGGER_FAULTS: results },
    stdio: 'inherit'
  }
);
if (status === 0) {
  const text = readFileSync(page, 'utf8');
  writeFileSync(
    page,
    withFaults(text, faultRows(readFileSync(results, 'utf8')))
  );
  spawnSync(process.execPath, [tool('prettier'), '--write', page], {
    stdio: 'inherit'
  });
}
process.exitCode = status ?? 1;
