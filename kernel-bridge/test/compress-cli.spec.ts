/** Compression plans from the command line, as a shell sees them. */
import type { CompressionDocument } from '../src';
import { promptsFile, run } from './run-cli';
import { tinyMoE } from './tiny-moe';

const tiny = tinyMoE({ layers: 1 }).save();
const file = promptsFile(
  { id: 'a', input_ids: [3, 14, 15, 9] },
  { id: 'b', input_ids: [9, 2, 6, 5] }
);

it('prints one JSON document', async () => {
  const { code, stdout, stderr } = await run([
    'compress',
    tiny,
    '--prompts',
    file,
    '--keep',
    '6',
    '--json'
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { schema, layers, effect } = JSON.parse(stdout) as CompressionDocument;
  expect(schema).toBe('moe-debugger/compression@1');
  expect(layers[0].keep).toHaveLength(6);
  expect(effect!.all.tokens).toBe(3);
});

it('says how much must be kept', async () => {
  const { code, stderr } = await run([
    'compress',
    tiny,
    '--prompts',
    file,
    '--keep',
    '1'
  ]);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /^moe-debugger: error: cannot keep 1 of 8 experts .*: keep 2 to 8\n$/
  );
});
