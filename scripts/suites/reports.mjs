/** The machine-readable reports that the test runners write. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { cache } from '../paths.mjs';

/** A fresh path for a report: one left from an earlier run can not be taken for this one's. */
export function reportPath(name) {
  const folder = path.join(cache, 'reports');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, name);
  rmSync(file, { force: true });
  return file;
}

/** The report's text; undefined when the runner did not get as far as writing one. */
export function readReport(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
