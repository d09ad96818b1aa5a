import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutationSection, tally } from './page.mjs';

const mutant = (start, more) => ({
  file: 'kernel-bridge/src/onnx/graph.ts',
  line: 3,
  start,
  end: start + 5,
  original: 'a ||\n  b',
  replacement: 'a && b',
  by: null,
  ...more
});
const mutants = [
  mutant(1, { by: 'own' }),
  mutant(2, { by: 'others' }),
  mutant(3, { by: 'own', late: true }),
  mutant(4, {}),
  mutant(5, { reason: 'b is never read' })
];

test('changes without effect are counted, and not in the score', () => {
  assert.deepEqual(tally(mutants), {
    own: 1,
    others: 1,
    late: 1,
    equivalent: 1,
    survived: 1,
    score: '75 %'
  });
});

test('a change that is said to have no effect, and was noticed, counts as noticed', () => {
  const { equivalent, score } = tally([
    mutant(1, { by: 'own', reason: 'none' })
  ]);
  assert.deepEqual([equivalent, score], [0, '100 %']);
});

test('what two samples share is listed once, with the reason where there is one', () => {
  const section = mutationSection([
    { folder: 'onnx', seed: 1, of: 90, others: 4, mutants },
    { folder: 'onnx', seed: 2, of: 90, others: 4, mutants: mutants.slice(3) }
  ]);
  const lines = section.split('\n').filter(line => line.startsWith('- '));
  assert.deepEqual(lines, [
    '- onnx/graph.ts:3: `` a || b `` becomes `` a && b ``',
    '- onnx/graph.ts:3: `` a || b `` becomes `` a && b ``: b is never read'
  ]);
  assert.match(section, /\| `onnx` \| 1 \| 5 of 90 \|/);
  assert.match(section, /\| `onnx` \| 2 \| 2 of 90 \|/);
});
