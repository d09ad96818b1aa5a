import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawMutants } from './sample.mjs';

const mutants = Array.from({ length: 40 }, (_, i) => ({
  file: 'a.ts',
  kind: 'EqualityOperator',
  start: 10 * i,
  end: 10 * i + 5,
  // Every text twice, as in a file that has the same line twice.
  original: `a > ${i >> 1}`,
  replacement: `a >= ${i >> 1}`
}));
const starts = drawn => drawn.map(({ start }) => start);

test('a seed draws the same mutants again, another seed others', () => {
  const first = drawMutants(mutants, 10, 1);
  assert.equal(new Set(starts(first)).size, 10);
  assert.deepEqual(drawMutants(mutants, 10, 1), first);
  assert.notDeepEqual(starts(drawMutants(mutants, 10, 2)), starts(first));
});

test('lines that move do not change the sample', () => {
  const moved = mutants.map(mutant => ({
    ...mutant,
    start: mutant.start + 1000
  }));
  assert.deepEqual(
    starts(drawMutants(moved, 10, 1)),
    starts(drawMutants(mutants, 10, 1)).map(start => start + 1000)
  );
});
