/** Folders for what does not fit in memory; a killed process's are removed by the next one that makes one. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownPrefix, sweepLeftovers } from './own-leftovers';

const PREFIX = 'moe-debugger-';

/** The caller removes it. */
export function scratchFolder(): string {
  sweepLeftovers(tmpdir(), PREFIX);
  return mkdtempSync(join(tmpdir(), PREFIX + ownPrefix()));
}
