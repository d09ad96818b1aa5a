import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importers, specsOf } from './specs.mjs';

test('specs are found over the files between, the nearest first', () => {
  const byFile = new Map([
    ['a.ts', ['b.ts', 'a.spec.ts']],
    ['b.ts', ['c.ts', 'a.ts', 'b.spec.ts']],
    ['c.ts', ['c.spec.ts']],
    ['d.ts', ['d.spec.ts']]
  ]);
  assert.deepEqual(specsOf('a.ts', byFile), [
    'a.spec.ts',
    'b.spec.ts',
    'c.spec.ts'
  ]);
});

test('files and folders are resolved, and what is loaded later too', () => {
  const byFile = importers();
  const of = file => byFile.get(`kernel-bridge/src/${file}`);
  assert.ok(
    of('onnx/file/locate.ts').includes(
      'kernel-bridge/src/onnx/file/locate.spec.ts'
    )
  );
  // What `lazily` loads is named in a `require`.
  assert.ok(of('measures/index.ts').length > 0);
  assert.ok(
    byFile
      .get('kernel-bridge/src/analyses/lens/read-lens.ts')
      .includes('kernel-bridge/src/analyses/on-demand.ts')
  );
});
