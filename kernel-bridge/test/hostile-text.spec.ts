/** Whatever files say, nothing that moves a cursor or hides text reaches the terminal of any command. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ParquetWriter } from '../src/files/trace/parquet';
import { CARDS, rowsFile } from './parquet-rows';
import { run, type Ended } from './run-cli';
import { temporaryFolder } from './temporary';

const ESCAPES = '\x1b[2J\x1b]0;pwn\x07\x9b31m\r\u202e';

const UNSAFE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]/;
const DEMO = join(__dirname, '../../models/demo');

let trace: string;

beforeAll(async () => {
  trace = join(temporaryFolder(), 'hostile.parquet');
  const writer = await ParquetWriter.create(trace, {
    run: `r${ESCAPES}`,
    model: `m${ESCAPES}`,
    source: { format: `f${ESCAPES}`, notes: [`n${ESCAPES}`] },
    cards: CARDS.map(card => ({
      ...card,
      module: `mlp${ESCAPES}`,
      router: { ...card.router, pattern: `p${ESCAPES}` }
    }))
  });
  for (const id of ['a', 'b', 'c']) {
    const tokens = Array.from({ length: 40 }, (_, position) => ({
      position,
      id: position % 7,
      text: `t${position % 7}${ESCAPES}`
    }));
    await writer.add({
      id: id + ESCAPES,
      domain: `d${ESCAPES}`,
      tokens,
      layers: CARDS.map(({ layer, experts, topK, score }) => ({
        layer,
        module: `mlp${ESCAPES}`,
        experts,
        topK,
        score,
        logitsAre: 'logits',
        logits: new Float32Array(),
        // The same token takes the same experts, so that there is something to say of it.
        selected: Int32Array.from(tokens.flatMap(token => [token.id % 3, 3])),
        weights: Float32Array.from(tokens.flatMap(() => [0.75, 0.25]))
      }))
    });
  }
  await writer.finish();
});

/** Escaped somewhere, raw nowhere. */
function expectSafe({ stdout, stderr }: Ended): void {
  expect(stdout).not.toMatch(UNSAFE);
  expect(stderr).not.toMatch(UNSAFE);
  expect(stdout + stderr).toMatch(/\\x1b|\\u001b/);
}

it('nothing of the kind is in the report of a trace, charts included', async () => {
  const out = join(temporaryFolder(), 'report.html');
  const { code } = await run([
    'export',
    trace,
    '--format',
    'html',
    '--out',
    out
  ]);
  expect(code).toBe(0);
  const html = readFileSync(out, 'utf8');
  expect(html).toContain('<svg');
  expect(html).toContain('<title>m\\x1b[2J');
  expect(html).toContain('d\\x1b[2J');
  expect(html.replaceAll('\n', '')).not.toMatch(UNSAFE);
});

it.each([
  ['analyze', () => ['analyze', trace]],
  ['analyze --json', () => ['analyze', trace, '--json']],
  ['diagnose', () => ['diagnose', trace]],
  ['diagnose --json', () => ['diagnose', trace, '--json']],
  [
    'export',
    () => {
      const folder = join(temporaryFolder(), `out${ESCAPES}`);
      mkdirSync(folder);
      return [
        'export',
        trace,
        '--format',
        'csv',
        '--out',
        join(folder, 'x.csv')
      ];
    }
  ],
  [
    'a run that is not there',
    () => ['export', trace, '--run', 'x', '--format', 'csv', '--out', 'x.csv']
  ],
  ['a file that is not there', () => ['analyze', `${trace}${ESCAPES}`]],
  ['an unknown option', () => ['analyze', trace, `--x${ESCAPES}`]],
  [
    'a format that is none',
    () => ['import', `x${ESCAPES}`, trace, '--out', 'x']
  ]
])('%s', async (_, command) => {
  expectSafe(await run(command()));
});

it('an error that quotes a file, with its stack', async () => {
  const rows = await rowsFile([`'s\x1b[2J', 0, 9, [0, 1]`]);
  const ended = await run(['--verbose', 'analyze', rows]);
  expect(ended.code).toBe(2);
  expectSafe(ended);
});

it('notes of an import', async () => {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'x.json'),
    JSON.stringify({
      choices: [{ routed_experts: [[[3, 1]], [[2, 5]]] }]
    })
  );
  const ended = await run([
    'import',
    'vllm',
    join(folder, 'x.json'),
    '--model',
    `m${ESCAPES}`,
    '--out',
    join(folder, `o${ESCAPES}.parquet`)
  ]);
  expect(ended.code).toBe(0);
  expectSafe(ended);
});

it('a prompt that a model is given', async () => {
  const ended = await run(['trace', DEMO, '--prompt', `x${ESCAPES}`, '--json']);
  expect(ended.code).toBe(0);
  expectSafe(ended);
  const { samples } = JSON.parse(ended.stdout) as {
    samples: { tokens: { text: string }[] }[];
  };
  expect(samples[0].tokens.map(({ text }) => text).join('')).toContain('\x1b');
});
