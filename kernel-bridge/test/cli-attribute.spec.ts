/** `attribute` as a shell sees it. Runs the built package. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { AttributeDocument } from '../src';
import { DEMO } from './zoo';

const MAIN = join(__dirname, '../bin/moe-debugger.mjs');

function run(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [MAIN, 'attribute', DEMO, ...args],
      (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    );
  });
}

const PROMPT = ['--prompt', 'def fib(n):'];

it('prints one JSON document', async () => {
  const { code, stdout, stderr } = await run(
    ...PROMPT,
    '--target',
    'router:4:6',
    '--method',
    'grad-input',
    '--baseline',
    'mean',
    '--json'
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const found = JSON.parse(stdout) as AttributeDocument;
  expect(found).toMatchObject({
    schema: 'moe-debugger/attribute@1',
    method: 'grad-input',
    target: { kind: 'router', layer: 4, expert: 6, position: 5 }
  });
  expect(found.tokens.map(({ text }) => text).join('')).toBe('def fib(n):');
  const sum = found.tokens.reduce((all, t) => all + t.attribution, 0);
  expect(found.gap).toBeCloseTo(sum - (found.value - found.baselineValue), 4);
});

it('prints a line a token for people', async () => {
  const { code, stdout } = await run(...PROMPT, '--method', 'occlusion');
  expect(code).toBe(0);
  expect(stdout).toMatch(/by occlusion:\n {3}0 .*"def"/);
  expect(stdout).toMatch(/a gap of -?\d/);
});

it.each([
  [['--target', 'router:9:1'], /layer 9 has no router/],
  [['--target', 'router:4:9'], /layer 4 has no expert 9/],
  [['--target', 'nothing'], /logit:TOKEN/],
  [['--method', 'magic'], /ig, grad-input or occlusion/],
  [['--baseline', 'token:99999'], /99999/],
  [['--position', '6'], /no token 6 in a prompt of 6/],
  [['--steps', '0'], /at least 1/]
])('%j is refused with one line', async (args, message) => {
  const { code, stdout, stderr } = await run(...PROMPT, ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
