import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFileSync } from 'node:fs';
import { mutantsOf } from './mutants.mjs';
import { inRoot } from '../paths.mjs';

const FILE = 'scripts/mutation/testing/small.ts';

test('operators, conditions and blocks are changed, and calls taken out', async () => {
  const text = readFileSync(inRoot(FILE), 'utf8');
  const mutants = await mutantsOf(FILE);
  const changes = mutants.map(({ kind, original, replacement }) =>
    [
      kind,
      original.replace(/\s+/g, ' '),
      replacement.replace(/\s+/g, ' ')
    ].join(': ')
  );
  for (const change of [
    'EqualityOperator: size > 2: size >= 2',
    'ConditionalExpression: size > 2: false',
    'ArithmeticOperator: size + 1: size - 1',
    'CallStatement: seen.add(size);: ;'
  ]) {
    assert.ok(changes.includes(change), `${change} in\n${changes.join('\n')}`);
  }
  assert.deepEqual(
    changes.filter(change => /^StringLiteral|super/.test(change)),
    []
  );
  for (const { start, end, original, line } of mutants) {
    assert.equal(text.slice(start, end), original);
    assert.ok(text.split('\n')[line - 1].includes(original.split('\n')[0]));
  }
});
