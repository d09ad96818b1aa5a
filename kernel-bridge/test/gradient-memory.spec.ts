/** What gradients take, as it is foretold from shapes, against what a process grows by. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DEMO, REPOSITORY } from './zoo';

const RESET = '/proc/self/clear_refs';

describe('memory of gradients', () => {
  // Linux alone says how large a process was at its largest.
  (existsSync(RESET) ? it : it.skip)(
    'is foretold within a factor of two',
    () => {
      const { added, foretold } = JSON.parse(
        execFileSync(
          process.execPath,
          [
            join(
              REPOSITORY,
              'kernel-bridge/bench/programs/gradient-memory.mjs'
            ),
            DEMO,
            ...['64', '16']
          ],
          { encoding: 'utf8' }
        )
      ) as { added: number; foretold: number };
      // Enough for what else a process does not to count.
      expect(foretold).toBeGreaterThan(100);
      expect(foretold / added).toBeGreaterThan(0.5);
      expect(foretold / added).toBeLessThan(2);
    },
    60_000
  );
});
