import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/temporary';
import { tinyMoE } from '../../../test/tiny-moe';
import { DEMO } from '../../../test/zoo';
import type { DiffDocument } from '../../analyses/diff/diff-document';

const MAIN = join(__dirname, '../../../bin/moe-debugger.mjs');

function run(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise(resolve =>
    execFile(
      process.execPath,
      [MAIN, 'diff', ...args],
      { maxBuffer: 1 << 26 },
      (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    )
  );
}

describe('diff', () => {
  it('prints one document of a run with and without edits', async () => {
    const file = join(temporaryFolder(), 'prompts.jsonl');
    writeFileSync(
      file,
      '{"id":"one","text":"def fib(n):"}\n{"id":"two","text":"Der Wald","domain":"german"}\n'
    );
    const { code, stdout, stderr } = await run(
      DEMO,
      ...['--prompts', file, '--ablate', '2:2', '--logits', 'all', '--json']
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const document = JSON.parse(stdout) as DiffDocument;
    expect(document).toMatchObject({
      schema: 'moe-debugger/diff@1',
      a: { model: 'demo', edits: [] },
      b: {
        model: 'demo',
        edits: [{ kind: 'ablate', layer: 2, expert: 2, mode: 'mask' }]
      },
      alone: { a: { samples: [], layers: [] }, b: { samples: [], layers: [] } }
    });
    expect(document.layers.map(({ layer }) => layer)).toEqual([
      0, 1, 2, 3, 4, 5
    ]);
    expect(document.layers[2].entered[2]).toBe(0);
    for (const { alignment, layers, output } of document.samples) {
      expect(alignment.by).toBe('position');
      expect(output).toHaveLength(alignment.tokens.length);
      for (const { layer, tokens } of layers) {
        expect(tokens).toHaveLength(alignment.tokens.length);
        tokens.forEach(({ left, entered }) => {
          expect(entered).toHaveLength(left.length);
          if (layer < 2) {
            expect(left).toEqual([]);
          }
        });
      }
    }
    expect(document.samples[1]).toMatchObject({ id: 'two', domain: 'german' });
  });

  it('compares two prompts, and two models, as text', async () => {
    const tiny = tinyMoE().save();
    const [prompts, models] = await Promise.all([
      run(DEMO, '--prompt', 'def fib(n):', '--against', 'def fib(m):'),
      run(
        join(tiny, 'model.onnx'),
        ...['--input-ids', '1,2,3', '--against-model', join(tiny, 'model.onnx')]
      )
    ]);
    expect(prompts.stdout).toMatch(
      /^RoutingDiff of demo and demo: \d+ tokens in both, \d+ in one\n/
    );
    expect(prompts.stdout.match(/^layer \d /gm)).toHaveLength(6);
    expect(models.stdout.match(/^layer \d +0 of 3 \(0 %\)/gm)).toHaveLength(2);
  });

  it.each([
    [['--prompt', 'a'], /there is nothing to compare with/],
    [['--ablate', '1:1'], /diff needs a prompt/],
    [
      ['--prompts', 'x.jsonl', '--against', 'b'],
      /a file of prompts cannot be compared with one prompt/
    ],
    [
      ['--prompt', 'a', '--against', 'b', '--against-ids', '1'],
      /two prompts are given to compare with/
    ],
    [
      ['--prompt', 'a', '--ablate', '1:99'],
      /there is no expert 99 \(layer 1\)/
    ],
    [
      ['--prompt', 'a', '--against', 'b', '--near-miss', '-1'],
      /invalid near-miss threshold -1/
    ]
  ])('rejects %j in one line', async (args, message) => {
    const { code, stdout, stderr } = await run(DEMO, ...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr.trim()).not.toContain('\n');
  });
});
