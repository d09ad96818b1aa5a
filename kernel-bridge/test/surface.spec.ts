import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './zoo';

it('is what docs/api/surface.md says; after a change that is meant, npm run docs:surface', () => {
  const now = execFileSync(
    process.execPath,
    [join(REPOSITORY, 'scripts/surface.mjs'), '--print'],
    { encoding: 'utf8', maxBuffer: 2 ** 25 }
  );
  expect(now).toContain(
    'MoEModel.generate(prompt: Prompt, options?: GenerateOptions): Promise<Generation>'
  );
  expect(now).not.toContain('MoEModel.loaded');
  expect(now).toBe(
    readFileSync(join(REPOSITORY, 'docs/api/surface.md'), 'utf8')
  );
});
