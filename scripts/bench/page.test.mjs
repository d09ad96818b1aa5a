import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import * as lastRun from './last-run.mjs';
import { page, sectionsOf } from './page.mjs';

const START = {
  section: 'Start',
  name: 'to first routing',
  value: 1.4142,
  unit: 's',
  detail: 'median of 15',
  target: { atMost: 1.2 }
};
const RATIO = {
  section: 'Capture',
  name: 'captured | plain',
  value: 0.9951,
  unit: 'x',
  interval: [0.983, 1.009],
  control: { value: 0.998, interval: [0.988, 1.0091] },
  target: { atMost: 1.02 }
};

test('shows targets beside numbers, and which are missed', () => {
  const written = page([START, RATIO], 'this machine');
  assert.deepEqual(written.split('\n').slice(4), [
    'Machine: this machine.',
    '',
    '## Start',
    '',
    '| what | value | unit | target | detail |',
    '| --- | ---: | --- | --- | --- |',
    '| to first routing | 1.41 | s | **missed**: <= 1.2 | median of 15 |',
    '',
    '## Capture',
    '',
    '| what | value | unit | target | detail |',
    '| --- | ---: | --- | --- | --- |',
    '| captured \\| plain | 0.995 | x | <= 1.02 | 95 % interval [0.983, 1.009]; control 0.998 [0.988, 1.009] |',
    ''
  ]);
});

test('replaces sections that were measured again and keeps the others', () => {
  const before = sectionsOf(page([START, RATIO], 'this machine'));
  const after = page([{ ...START, value: 1.1 }], 'this machine', before);
  assert.deepEqual([...sectionsOf(after).keys()], ['Start', 'Capture']);
  assert.match(after, /\| to first routing \| 1\.1 \| s \| <= 1\.2 \|/);
  assert.match(after, /\| 0\.995 \|/);
});

test('keeps the last number of each measurement on this machine', t => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'bench-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'new/last.json');
  assert.equal(lastRun.read('here', file).size, 0);
  lastRun.keep('here', [START, RATIO], file);
  lastRun.keep('here', [{ ...START, value: 1.1 }], file);
  const last = lastRun.read('here', file);
  assert.equal(lastRun.find(last, START).value, 1.1);
  assert.deepEqual(lastRun.find(last, RATIO), RATIO);
  assert.equal(lastRun.find(last, { ...START, name: 'new' }), undefined);
  assert.equal(lastRun.read('elsewhere', file).size, 0);
  writeFileSync(file, '{"machine": "here", "rows"');
  assert.equal(lastRun.read('here', file).size, 0);
});
