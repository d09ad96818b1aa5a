/**
 * Resident memory of a process with a model that is traced against one with a plain session of it, each a
 * process of its own. A control compares the plain sessions with one another.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, report } from './measuring/report.mjs';
import { MEDIUM, writeSyntheticModel } from './models/synthetic-model.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const RUNS = 7;

const resident = (folder, arm) =>
  JSON.parse(
    execFileSync(
      process.execPath,
      [join(here, 'programs/resident.mjs'), folder, arm],
      { encoding: 'utf8' }
    )
  );

if (!existsSync('/proc/self/status')) {
  report(
    'Memory',
    'captured over plain session',
    'not measured',
    '',
    'needs /proc'
  );
} else {
  const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-bench-'));
  try {
    const { parameters } = writeSyntheticModel(folder, MEDIUM);
    const runs = [];
    for (let run = 0; run < RUNS; run++) {
      const arms = run % 2 ? ['captured', 'plain'] : ['plain', 'captured'];
      runs.push(
        Object.fromEntries(arms.map(arm => [arm, resident(folder, arm)]))
      );
    }
    const extra = what =>
      runs.map(({ plain, captured }) => captured[what] - plain[what]);
    const plain = runs.map(run => run.plain.peak);
    const spread = Math.max(...plain) - Math.min(...plain);
    const detail = `${Math.round(parameters / 1e6)} M parameters, plain ${median(plain).toFixed(0)} MB; plain sessions differ by up to ${spread.toFixed(0)} MB; ${RUNS} pairs`;
    report(
      'Memory',
      'captured over plain session, peak',
      median(extra('peak')),
      'MB',
      detail,
      { target: { atMost: 50 } }
    );
    report(
      'Memory',
      'captured over plain session, at rest',
      median(extra('resident')),
      'MB',
      'after two runs of 128 tokens'
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
