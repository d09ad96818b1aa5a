/** Format sensitivity of the demo model against runs that are made here, and the commands of formats, triggers and pipelines. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatSensitivity, loadModel, type MoEModel } from '../src';
import { promptsFile, run } from './run-cli';
import { temporaryFolder } from './temporary';
import { tinyMoE } from './tiny-moe';
import { DEMO } from './zoo';

const TEXTS = [
  'Der Wald war still und die Kinder gingen nach Hause',
  'the cat sits on the mat and looks out of the window'
];

let model: MoEModel;
beforeAll(async () => {
  model = await loadModel(DEMO);
});
afterAll(() => model.dispose());

/** Slot shares of each layer, counted token by token. */
async function shares(text: string): Promise<number[][]> {
  const { samples } = await model.trace(text);
  return samples[0].layers.map(({ selected, experts }) => {
    const counts = new Array<number>(experts).fill(0);
    selected.forEach(expert => counts[expert]++);
    return counts.map(count => count / selected.length);
  });
}

it('is the distance between runs of the texts and of their variants', async () => {
  const found = await formatSensitivity(model, TEXTS, { kinds: ['list'] });
  const distances = [];
  for (const text of TEXTS) {
    const plain = await shares(text);
    for (const variant of [`- ${text}`, `* ${text}`]) {
      const other = await shares(variant);
      const byLayer = plain.map(
        (own, layer) =>
          own.reduce(
            (sum, share, e) => sum + Math.abs(share - other[layer][e]),
            0
          ) / 2
      );
      distances.push(byLayer.reduce((a, b) => a + b) / byLayer.length);
    }
  }
  const [list] = found.kinds;
  expect(list.texts).toBe(2);
  expect(list.change!.mean).toBeCloseTo(
    distances.reduce((a, b) => a + b) / distances.length,
    9
  );
  expect(list.layers.map(({ layer }) => layer)).toEqual([0, 1, 2, 3, 4, 5]);
  // One token more or two: nearly all tokens are kept.
  expect(list.kept!.tokens).toBeGreaterThan(40);
  expect(found.toJSON()).toMatchObject({
    schema: 'moe-debugger/formats@1',
    model: 'demo',
    texts: 2,
    seed: 0
  });
});

it('is the same for a seed, whatever other kinds are asked for', async () => {
  const [one, all] = [
    await formatSensitivity(model, TEXTS, { kinds: ['case'], seed: 4 }),
    await formatSensitivity(model, TEXTS, { seed: 4 })
  ];
  expect(one.kinds[0].change).toEqual(all.kinds[0].change);
  expect(one.kinds[0].arbitrary).toEqual(all.kinds[0].arbitrary);
  expect(all.kinds.map(({ kind }) => kind)).toEqual([
    'case',
    'whitespace',
    'punctuation',
    'line breaks',
    'list',
    'markdown',
    'quote'
  ]);
});

it('leaves out what the model cannot run, and says so', async () => {
  const found = await formatSensitivity(model, ['!!!', 'a b c'], {
    kinds: ['punctuation']
  });
  expect(found.kinds[0]).toMatchObject({ texts: 0, change: null });
  expect(found.kinds[0].reason).toBe('no text is changed by it');
  expect(found.notes.join()).toMatch(/1 variant left out: the prompt is empty/);
});

it.each<[string, () => Promise<unknown>, string, RegExp]>([
  [
    'no prompts',
    () => formatSensitivity(model, []),
    'input',
    /there are no prompts/
  ],
  [
    'token ids',
    () => formatSensitivity(model, [1, 2, 3]),
    'input',
    /only a text can be written in another format \(prompt 1\)/
  ],
  [
    'messages',
    () =>
      formatSensitivity(model, { messages: [{ role: 'user', content: 'a' }] }),
    'input',
    /only a text/
  ],
  [
    'nothing for a prompt',
    () => formatSensitivity(model, [undefined] as never),
    'input',
    /only a text/
  ],
  [
    'pairs of samples, as before',
    () => formatSensitivity([] as never, [] as never),
    'input',
    /the first argument is no model/
  ],
  [
    'a kind that does not exist',
    () => formatSensitivity(model, TEXTS, { kinds: ['font' as never] }),
    'input',
    /there is no kind of change "font"/
  ],
  [
    'a seed that is no whole number',
    () => formatSensitivity(model, TEXTS, { seed: 0.5 }),
    'input',
    /seed cannot be 0.5/
  ]
])('refuses %s', async (_, call, code, message) => {
  const refusal = await call().then(
    () => undefined,
    (error: unknown) => error
  );
  expect(refusal).toMatchObject({ code });
  expect(String(refusal)).toMatch(message);
});

it('needs a tokenizer', async () => {
  const bare = await loadModel(tinyMoE({}).save());
  await expect(formatSensitivity(bare, TEXTS)).rejects.toMatchObject({
    code: 'tokenizer'
  });
  await bare.dispose();
});

it('can be cancelled', async () => {
  const controller = new AbortController();
  controller.abort();
  await expect(
    formatSensitivity(model, TEXTS, { signal: controller.signal })
  ).rejects.toMatchObject({ code: 'cancelled' });
});

describe('the command', () => {
  const prompts = promptsFile(...TEXTS.map(text => ({ text })));

  it.each([
    ['formats', [DEMO, '--kinds', 'case,line breaks'], 'formats@1', 'svg'],
    ['triggers', [DEMO, '--n', '3'], 'triggers@1', 'html'],
    ['pipelines', [DEMO, '--effect-tokens', '0'], 'pipelines@1', 'svg']
  ])(
    '%s prints a document and saves a picture',
    async (name, args, schema, form) => {
      const out = join(temporaryFolder(), `${name}.${form}`);
      const { code, stdout, stderr } = await run([
        name,
        ...args,
        '--prompts',
        prompts,
        '--out',
        out,
        '--json'
      ]);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        schema: `moe-debugger/${schema}`
      });
      expect(readFileSync(out, 'utf8')).toMatch(
        form === 'svg' ? /^<svg / : /^<!DOCTYPE html>/
      );
    }
  );

  it.each(['triggers', 'pipelines'])('%s takes a trace', async name => {
    const trace = join(temporaryFolder(), 'trace.parquet');
    await (await model.trace(TEXTS)).save(trace);
    const { code, stdout } = await run([name, trace, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ model: 'demo' });
  });

  it.each([
    [['triggers', DEMO], /a model needs prompts/],
    [
      ['pipelines', 'x.parquet', '--prompts', prompts],
      /a trace already contains prompts/
    ],
    [['triggers', 'x.parquet'], /no such trace/],
    [
      ['triggers', DEMO, '--prompts', prompts, '--n', '1'],
      /a sequence cannot have 1 tokens/
    ],
    [
      ['formats', DEMO, '--prompts', prompts, '--kinds', 'font'],
      /no kind of change "font"/
    ]
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moe-debugger: error: /);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
