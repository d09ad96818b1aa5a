/** The command line as a shell sees it: exit codes, one line on stderr, one JSON document on stdout. Runs the built package. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LensDocument, ModelDescription, TraceDocument } from '../src';
import { temporaryFolder } from './temporary';
import { promptsFile, run } from './run-cli';
import { tinyMoE } from './tiny-moe';
import { DEMO } from './zoo';

const tiny = tinyMoE().save();

describe('inspect', () => {
  it('prints one JSON document', async () => {
    const { code, stdout, stderr } = await run(['inspect', DEMO, '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const description = JSON.parse(stdout) as ModelDescription;
    expect(description).toMatchObject({
      schema: 'moe-debugger/inspect@1',
      model: { name: 'demo', opset: 18 },
      warnings: []
    });
    expect(
      description.layers.map(
        card => card.moe && [card.layer, card.experts, card.topK]
      )
    ).toEqual([0, 1, 2, 3, 4, 5].map(layer => [layer, 8, 2]));
  });

  it('prints a line a layer for people', async () => {
    const { code, stdout } = await run(['inspect', DEMO]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/6 of 6 layers are MoE/);
    expect(
      stdout.match(/top-2 of 8, softmax > top-k > renormalise/g)
    ).toHaveLength(6);
  });
});

describe('trace', () => {
  it('prints the document of a prompt', async () => {
    const { code, stdout, stderr } = await run([
      'trace',
      DEMO,
      '--prompt',
      'def fib(n):',
      '--logits',
      'last',
      '--json'
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const document = JSON.parse(stdout) as TraceDocument;
    const [sample] = document.samples;
    const tokens = sample.tokens.length;
    expect(sample.tokens.map(({ text }) => text).join('')).toBe('def fib(n):');
    expect(document.coverage).toEqual({
      moeLayers: 6,
      layersCaptured: 6,
      tokens,
      slots: 6 * 2 * tokens
    });
    expect(sample.outputLogits).toHaveLength(1);
    for (const { logits, selected, weights } of sample.layers) {
      expect([logits, selected, weights].map(rows => rows.length)).toEqual([
        tokens,
        tokens,
        tokens
      ]);
    }
  });

  it('takes ids, of a file without a tokenizer', async () => {
    const { code, stdout } = await run([
      'trace',
      join(tiny, 'model.onnx'),
      '--input-ids',
      '1, 2,3',
      '--json'
    ]);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as TraceDocument).samples[0].tokens).toEqual(
      [1, 2, 3].map((id, position) => ({ position, id }))
    );
  });

  it('takes a file of prompts, and gives back their ids and domains', async () => {
    const prompts = promptsFile(
      { text: 'a' },
      { id: 'second', input_ids: [5, 6], domain: 'code' },
      '',
      { text: 'c' }
    );
    const { code, stdout } = await run([
      'trace',
      DEMO,
      '--prompts',
      prompts,
      '--json'
    ]);
    expect(code).toBe(0);
    const { samples, coverage } = JSON.parse(stdout) as TraceDocument;
    expect(samples.map(({ id, domain }) => [id, domain])).toEqual([
      ['0', undefined],
      ['second', 'code'],
      ['3', undefined]
    ]);
    expect(coverage.tokens).toBe(
      samples.reduce((sum, { tokens }) => sum + tokens.length, 0)
    );
  });

  it('writes prompts as they are done, and ends well when its reader stops early', async () => {
    const prompts = promptsFile(
      ...Array.from({ length: 400 }, (_, i) => ({
        input_ids: Array(200).fill(i % 50) as number[]
      }))
    );
    let seen = '';
    const { code, stderr } = await run(
      ['trace', tiny, '--prompts', prompts, '--json'],
      child => {
        child.stdout!.once('data', (chunk: Buffer) => {
          seen = chunk.toString();
          child.stdout!.destroy();
        });
      }
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(seen.startsWith('{"schema":"moe-debugger/trace@1"')).toBe(true);
    expect(seen).not.toMatch(/"coverage"/);
  });

  it('prints a row a token for people', async () => {
    const { code, stdout } = await run(['trace', tiny, '--input-ids', '1,2']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^token\s+layer 0\s+layer 1\n0 1\s+\d:\d\.\d\d \d:\d\.\d\d/
    );
    expect(stdout).toMatch(/2 of 2 MoE layers, 2 tokens, 8 slots\n$/);
  });
});

describe('what is refused', () => {
  const bare = temporaryFolder();
  it.each<[string, string[], RegExp]>([
    ['no command', [], /no command is given/],
    ['an unknown command', ['dance'], /unknown command/],
    ['an unknown option', ['inspect', tiny, '--dance'], /unknown option/],
    ['no model', ['inspect'], /missing required argument/],
    [
      'a model that is not there',
      ['inspect', 'gone'],
      /no such model in .* \(gone\): give a folder/
    ],
    ['a folder without a model', ['inspect', bare], /holds no \.onnx file/],
    [
      'a model that is none',
      ['inspect', join(DEMO, 'tokenizer.json')],
      /tokenizer\.json/
    ],
    [
      'nothing to trace',
      ['trace', tiny],
      /trace needs a prompt \(trace\): give one of/
    ],
    [
      'two kinds of prompts',
      ['trace', tiny, '--prompt', 'a', '--input-ids', '1'],
      /more than one kind/
    ],
    [
      'ids that are none',
      ['trace', tiny, '--input-ids', '1,x'],
      /non-negative integers/
    ],
    [
      'ids beyond the vocabulary',
      ['trace', tiny, '--input-ids', '1,50'],
      /token id 50 .*ids run from 0 to 49/
    ],
    [
      'text without a tokenizer',
      ['trace', tiny, '--prompt', 'a'],
      /no tokenizer\.json/
    ],
    ['an empty prompt', ['trace', DEMO, '--prompt', ''], /prompt is empty/],
    [
      'unknown logits',
      ['trace', tiny, '--input-ids', '1', '--logits', 'some'],
      /last or all/
    ],
    [
      'a missing file of prompts',
      ['trace', tiny, '--prompts', 'gone.jsonl'],
      /no such prompts file \(gone\.jsonl\)/
    ],
    [
      'a line that is not JSON',
      [
        'trace',
        tiny,
        '--prompts',
        promptsFile({ input_ids: [1] }, '{'),
        '--json'
      ],
      /not JSON \(.*:2\)/
    ],
    [
      'a line without a prompt',
      ['trace', tiny, '--prompts', promptsFile({ id: 'a' })],
      /needs one of .*:1\)/
    ],
    [
      'a file without prompts',
      ['trace', tiny, '--prompts', promptsFile('')],
      /no prompts/
    ]
  ])('%s: exit code 2 and one line', async (_, args, what) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moe-debugger: error: [^\n]+\n$/);
    expect(stderr).toMatch(what);
  });

  it('has a stack trace when asked for one', async () => {
    const { code, stderr } = await run(['--verbose', 'inspect', 'gone']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moe-debugger: error: no such model.*\n.*\n\s+at /);
  });

  it('is not asking for help or the version', async () => {
    expect(await run(['--version'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string
    });
    expect(await run(['trace', '--help'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('--input-ids') as string
    });
  });
});
describe('lens and steer', () => {
  it('print what each layer says, and vectors that change it', async () => {
    const { code, stdout, stderr } = await run([
      'lens',
      tiny,
      '--input-ids',
      '3,14,15',
      '--top',
      '4',
      '--json'
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const document = JSON.parse(stdout) as LensDocument;
    expect(document).toMatchObject({
      schema: 'moe-debugger/lens@1',
      positions: [2],
      warnings: [],
      edits: []
    });
    expect(
      document.layers.map(({ layer, top }) => [layer, top.length])
    ).toEqual([
      [0, 4],
      [1, 4]
    ]);
    const out = join(temporaryFolder(), 'steer.json');
    const steer = await run([
      'steer',
      tiny,
      '--positive',
      promptsFile({ input_ids: [1, 2, 3, 4] }),
      '--negative',
      promptsFile({ input_ids: [3, 14, 15] }),
      '--layer',
      '1',
      '--out',
      out
    ]);
    expect(steer).toEqual({
      code: 0,
      stdout: '',
      stderr: `wrote ${out}: 1 vectors\n`
    });
    const steered = await run([
      'lens',
      tiny,
      '--input-ids',
      '3,14,15',
      '--steer',
      out,
      '--no-experts',
      '--json'
    ]);
    const changed = JSON.parse(steered.stdout) as LensDocument;
    expect(changed.edits).toMatchObject([{ kind: 'steer', layer: 1 }]);
    const other = await run(['lens', tiny, '--input-ids', '1,2,3,4', '--json']);
    const { layers } = JSON.parse(other.stdout) as LensDocument;
    // The vector leads from the one prompt's last token to the other's.
    changed.layers[1].top.forEach(({ id, logit }, i) => {
      expect(id).toBe(layers[1].top[i].id);
      expect(logit).toBeCloseTo(layers[1].top[i].logit!, 3);
    });
  });

  it('refuse a vector of another width, and a position beyond the prompt', async () => {
    const path = join(temporaryFolder(), 'steer.json');
    writeFileSync(path, '{"layer": 1, "vector": [1, 2]}');
    const wide = await run(['lens', tiny, '--input-ids', '3', '--steer', path]);
    expect(wide.code).toBe(2);
    expect(wide.stderr).toMatch(
      /^moe-debugger: error: a steering vector of 2 values does not fit a residual stream of width 16 \(layer 1\): give 16 values\n$/
    );
    const beyond = await run([
      'lens',
      tiny,
      '--input-ids',
      '3,4',
      '--positions',
      '2'
    ]);
    expect(beyond.code).toBe(2);
    expect(beyond.stderr).toMatch(
      /there is no position 2 \(positions\): give positions from 0 to 1/
    );
  });
});
