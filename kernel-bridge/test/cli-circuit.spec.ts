/** `circuit` as a shell sees it. Runs the built package. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  readCircuitDocument,
  type TaskCircuitDocument
} from '../src/base/protocol';
import { promptsFile } from './run-cli';
import { temporaryFolder } from './temporary';
import { tinyMoE } from './tiny-moe';

const MAIN = join(__dirname, '../bin/moe-debugger.mjs');
const MODEL = tinyMoE({ norms: true, seed: 3 }).save();

function run(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [MAIN, 'circuit', MODEL, ...args],
      (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    );
  });
}

const PROMPTS = ['--input-ids', '3,1,4,1,5', '--corrupted-ids', '3,9,4,1,5'];
const QUICK = ['--measure', '2', '--steps', '1'];

it('prints one JSON document, and writes a file', async () => {
  const out = join(temporaryFolder(), 'circuit.html');
  const { code, stdout, stderr } = await run(
    ...PROMPTS,
    ...QUICK,
    '--target',
    'logit:9',
    '--edges',
    '12',
    '--out',
    out,
    '--json'
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const found = readCircuitDocument(JSON.parse(stdout));
  expect(found.target).toMatchObject({ kind: 'logit', token: 9, position: 4 });
  expect(
    found.edges.filter(({ effect }) => Math.abs(effect) >= found.threshold)
  ).toHaveLength(12);
  expect(readFileSync(out, 'utf8')).toMatch(/^<!DOCTYPE html>/);
});

it('prints text for people, or a drawing', async () => {
  const text = await run(...PROMPTS, ...QUICK, '--threshold', '0.1');
  expect(text.code).toBe(0);
  expect(text.stdout).toMatch(/faithfulness by edges of \d+/);
  expect(text.stdout).toMatch(/ > logits: -?\d/);
  const dot = await run(
    ...PROMPTS,
    ...QUICK,
    '--nodes-only',
    '--format',
    'dot'
  );
  expect(dot.stdout).toMatch(/^digraph circuit \{/);
});

const PAIRS = Array.from({ length: 4 }, (_, i) => ({
  clean: [3, 10 + i, 4, 1, 5],
  corrupted: [3, 9, 4, 1, 5],
  target: 'logit:7',
  ...(i === 1 ? { position: 3 } : {})
}));

it('finds the circuit of pairs in a file', async () => {
  const out = join(temporaryFolder(), 'task.html');
  const { code, stdout, stderr } = await run(
    '--pairs',
    promptsFile(...PAIRS),
    '--steps',
    '1',
    '--resamples',
    '10',
    '--edges',
    '5',
    '--direction-layer',
    '1',
    '--out',
    out,
    '--json'
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const found = JSON.parse(stdout) as TaskCircuitDocument;
  expect(found).toMatchObject({
    schema: 'moe-debugger/task-circuit@1',
    resamples: 10,
    size: 5,
    pairs: [
      { target: { kind: 'logit', token: 7, position: 4 } },
      { target: { position: 4 } }
    ],
    heldOut: [{ target: { position: 3 } }, { target: { position: 4 } }]
  });
  expect(found.directions!.map(({ steering }) => steering.p)).toEqual([
    undefined,
    expect.any(Number)
  ]);
  expect(readFileSync(out, 'utf8')).toMatch(/^<!DOCTYPE html>/);
});

it.each<[(object | string)[], RegExp]>([
  [[PAIRS[0], 'x'], /prompts.jsonl:2.*not JSON|not JSON.*prompts.jsonl:2/],
  [[{ clean: 'a' }], /needs a clean and a corrupted prompt/],
  [[{ ...PAIRS[0], target: 'loss' }], /target cannot be "loss"/],
  [[{ ...PAIRS[0], target: 5 }], /target is not a text/],
  [[{ ...PAIRS[0], position: 'x' }], /position is not a whole number/],
  [[], /no pairs of prompts/],
  [[PAIRS[0], { ...PAIRS[1], corrupted: [1] }], /pair 2: .*5 tokens.*one 1/]
])('pairs of %j are refused with one line', async (lines, message) => {
  const { code, stdout, stderr } = await run('--pairs', promptsFile(...lines));
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

it.each([
  [['--input-ids', '1,2'], /needs two prompts/],
  [[...PROMPTS, '--pairs', 'x.jsonl'], /more than one kind/],
  [['--pairs', '/nowhere.jsonl'], /no such pairs file/],
  [['--input-ids', '1,2', '--corrupted-ids', '1,2,3'], /2 tokens.*one 3/],
  [[...PROMPTS, '--corrupted-embeddings', 'zero'], /more than one kind/],
  [[...PROMPTS, '--target', 'difference:x'], /difference:ID:ID/],
  [[...PROMPTS, '--target', 'router:9:1'], /layer 9 has no router/],
  [[...PROMPTS, '--format', 'png'], /png/],
  [[...PROMPTS, ...QUICK, '--out', '/nowhere/c.dot'], /cannot be written/]
])('%j is refused with one line', async (args, message) => {
  const { code, stdout, stderr } = await run(...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(message);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(existsSync('/nowhere')).toBe(false);
});
