/** Folders that tests write to; they are gone when the tests of a file are done. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

// Programs that tests start have no such hook: they write where they are told to.
if (typeof afterAll === 'function') {
  afterAll(() => {
    for (const folder of made.splice(0)) {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** A fresh folder below the system's own for temporary files. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'moe-debugger-test-'));
  made.push(folder);
  return folder;
}
