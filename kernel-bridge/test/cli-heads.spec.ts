/** `heads` as a shell sees it. Runs the built package. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { HeadsDocument } from '../src';
import { DEMO } from './zoo';

const MAIN = join(__dirname, '../bin/moe-debugger.mjs');

function run(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [MAIN, 'heads', DEMO, ...args],
      (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    );
  });
}

const FEW = ['--count', '3', '--length', '8'];

it('prints one JSON document', async () => {
  const { code, stdout, stderr } = await run(
    ...FEW,
    '--seed',
    '5',
    '--threshold',
    '0.25',
    '--json'
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const found = JSON.parse(stdout) as HeadsDocument;
  expect(found).toMatchObject({
    schema: 'moe-debugger/heads@1',
    threshold: 0.25,
    sequences: { count: 3, length: 8, seed: 5 },
    unknown: []
  });
  for (const { scores, kinds } of found.heads) {
    expect(kinds.includes('induction')).toBe(
      scores.prefixMatching.mean >= 0.25
    );
    expect(kinds.includes('previous-token')).toBe(
      scores.previousToken.mean >= 0.25
    );
  }
});

it('prints a line a head for people', async () => {
  const { code, stdout } = await run(...FEW);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^heads of \S+, on 3 sequences of 8 random tokens, repeated once:\n/
  );
  expect(stdout).toMatch(/\nlayer 5 head 5 +0\.\d{3} ± 0\.\d{3} /);
  expect(stdout).toMatch(/\ninduction heads \(score of 0\.5 or more\): /);
});

it.each([
  [['--threshold', '2'], /invalid threshold 2/],
  [['--length', '1'], /length cannot be 1/],
  [['--count', 'many'], /give a number/]
])('refuses %j in one line', async (args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
