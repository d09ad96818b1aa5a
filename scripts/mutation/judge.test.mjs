import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Judge } from './judge.mjs';

const FOLDER = 'kernel-bridge/src/onnx';
const OWN = `${FOLDER}/graph.spec.ts`;
const OTHER = 'kernel-bridge/test/edits.spec.ts';
const mutant = { file: `${FOLDER}/graph.ts` };

/** Runs that come out as told: which specs fail without a mutant, and which with one. */
function runner({ broken = [], notice = [], late = [] }) {
  const asked = [];
  const run = async (specs, options = {}) => {
    asked.push([options.mutant ? 'mutant' : 'plain', ...specs]);
    const failing = options.mutant ? notice : broken;
    return {
      late: options.mutant ? specs.some(spec => late.includes(spec)) : false,
      failed: specs.filter(spec => failing.includes(spec)),
      seconds: new Map(specs.map(spec => [spec, 1]))
    };
  };
  return { run, asked };
}

test('specs of other folders are asked only where those of its own see nothing', async () => {
  const first = runner({ notice: [OWN] });
  assert.equal(
    (await new Judge(10, first.run).judge(mutant, [OWN, OTHER], FOLDER)).by,
    'own'
  );
  assert.ok(!first.asked.flat().includes(OTHER));

  const second = runner({ notice: [OTHER] });
  assert.deepEqual(
    await new Judge(10, second.run).judge(mutant, [OWN, OTHER], FOLDER),
    { by: 'others', late: false, spec: OTHER }
  );
});

test('a mutant that nothing notices survives', async () => {
  const { run } = runner({});
  assert.equal(
    (await new Judge(10, run).judge(mutant, [OWN, OTHER], FOLDER)).by,
    null
  );
  assert.equal((await new Judge(10, run).judge(mutant, [], FOLDER)).by, null);
});

test('a run without an end is noticed', async () => {
  const { run } = runner({ late: [OWN] });
  const { by, late } = await new Judge(10, run).judge(mutant, [OWN], FOLDER);
  assert.deepEqual([by, late], ['own', true]);
});

test('a spec that fails anyway is no witness', async () => {
  const { run, asked } = runner({ broken: [OWN], notice: [OWN] });
  const judge = new Judge(10, run);
  assert.equal((await judge.judge(mutant, [OWN], FOLDER)).by, null);
  await judge.judge(mutant, [OWN], FOLDER);
  assert.deepEqual(asked, [['plain', OWN]]);
});

test('only as many specs of other folders are asked as told', async () => {
  const { run, asked } = runner({});
  const others = ['a', 'b', 'c'].map(
    name => `kernel-bridge/test/${name}.spec.ts`
  );
  await new Judge(2, run).judge(mutant, others, FOLDER);
  assert.deepEqual(asked.at(-1), ['mutant', ...others.slice(0, 2)]);
});
