/** `import` and `export` as a shell sees them. Runs the built package. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImportReport, TraceDocument } from '../src';
import { fileOf, FIXTURES, madeIds } from './imported';
import { temporaryFolder } from './temporary';

const MAIN = join(__dirname, '../bin/moe-debugger.mjs');

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [MAIN, ...args],
    { encoding: 'utf8' }
  );
  return { code: status, stdout, stderr };
}

const fixture = (name: string): string => join(FIXTURES, name);

/** An import of a fixture whose ids are known. */
function tracePath(): string {
  const out = join(temporaryFolder(), 'trace.parquet');
  expect(
    run('import', 'vllm', fixture('response.npz'), '--out', out).code
  ).toBe(0);
  return out;
}

describe('import', () => {
  it('prints one JSON document', () => {
    const out = join(temporaryFolder(), 'x.parquet');
    const { code, stdout, stderr } = run(
      'import',
      'hf',
      fixture('logits.npz'),
      '--top-k',
      '2',
      '--not-renormalized',
      '--model',
      'org/name',
      '--out',
      out,
      '--json'
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout) as ImportReport).toMatchObject({
      schema: 'moe-debugger/import@1',
      format: 'hf',
      out,
      model: 'org/name',
      samples: 2,
      tokens: 5,
      slots: 5 * 2 * 2,
      layers: [
        { layer: 0, experts: 8, topK: 2 },
        { layer: 1, experts: 8, topK: 2 }
      ]
    });
    expect(existsSync(out)).toBe(true);
  });

  it('says to people what it did and assumed', () => {
    const out = join(temporaryFolder(), 'x.parquet');
    const { stdout } = run(
      'import',
      'vllm',
      fixture('routed.npy'),
      '--out',
      out
    );
    expect(stdout).toMatch(
      /^wrote .*x\.parquet: 1 sample, 4 tokens, 3 MoE layers, 36 slots\ntop-3 of 16 experts\nnote: /
    );
  });

  it.each<[string, string[], RegExp]>([
    [
      'an unknown format',
      ['csv', fixture('routed.npy')],
      /there is no format csv \(import\): give one of esft, vllm/
    ],
    [
      'a file that is not there',
      ['vllm', 'gone.npy'],
      /no such file or folder \(gone\.npy\)/
    ],
    [
      'a file that is none',
      ['vllm', fixture('make.py')],
      /\(.*make\.py, line 1/
    ],
    [
      'what is not told',
      ['hf', fixture('stacked.npy')],
      /does not say how many experts a token selects.*--top-k/
    ],
    [
      'a top-k of 0',
      ['hf', fixture('stacked.npy'), '--top-k', '0'],
      /whole number of at least 1/
    ],
    [
      'a top-k above the experts',
      ['vllm', fixture('routed.npy'), '--top-k', '9', '--experts', '4'],
      /cannot select 9 of 4/
    ],
    [
      'a score that is none',
      ['hf', fixture('stacked.npy'), '--score', 'relu'],
      /softmax, sigmoid/
    ],
    [
      'weights either or',
      ['hf', fixture('stacked.npy'), '--renormalized', '--not-renormalized'],
      /exclude each other/
    ],
    [
      'a config that is not there',
      ['vllm', fixture('routed.npy'), '--config', 'gone.json'],
      /no such config\.json \(gone\.json\)/
    ],
    [
      'a config that is none',
      ['vllm', fixture('routed.npy'), '--config', fixture('make.py')],
      /not valid JSON/
    ]
  ])('refuses %s in one line, and writes nothing', (_, args, message) => {
    const folder = temporaryFolder();
    const { code, stdout, stderr } = run(
      'import',
      ...args,
      '--out',
      join(folder, 'x.parquet')
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^moe-debugger: error: .*\n$/);
    expect(stderr).toMatch(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses a folder that is not there to write to', () => {
    const out = join(temporaryFolder(), 'gone/x.parquet');
    const { code, stderr } = run(
      'import',
      'vllm',
      fixture('routed.npy'),
      '--out',
      out
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^moe-debugger: error: the file cannot be written: .*\n$/
    );
  });
});

describe('export', () => {
  it('writes the document, which has what was imported', () => {
    const out = join(temporaryFolder(), 'x.json');
    const { code, stdout } = run(
      'export',
      tracePath(),
      '--format',
      'json',
      '--out',
      out,
      '--json'
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      schema: 'moe-debugger/export@1',
      format: 'json',
      out,
      samples: 1,
      tokens: 4
    });
    const { schema, samples, coverage } = JSON.parse(
      readFileSync(out, 'utf8')
    ) as TraceDocument;
    expect(schema).toBe('moe-debugger/trace@1');
    expect(samples[0].layers.map(({ selected }) => selected)).toEqual(
      [1, 2, 3].map(layer => [0, 1, 2, 3].map(token => madeIds(token, layer)))
    );
    expect(coverage).toEqual({
      moeLayers: 3,
      layersCaptured: 3,
      tokens: 4,
      slots: 4 * 3 * 3
    });
  });

  it('writes a report without the text when asked to', () => {
    const trace = tracePath();
    const out = join(temporaryFolder(), 'x.html');
    run('export', trace, '--format', 'html', '--out', out);
    expect(readFileSync(out, 'utf8')).toContain('#11#12#13#14');
    run('export', trace, '--format', 'html', '--counts-only', '--out', out);
    expect(readFileSync(out, 'utf8')).not.toContain('#11');
  });

  it.each<[string, () => string[], RegExp]>([
    [
      'a trace that is none',
      () => [fileOf('x.parquet', 'text'), '--format', 'csv'],
      /cannot be read as a trace/
    ],
    [
      'an unknown format',
      () => [tracePath(), '--format', 'pdf'],
      /there is no format pdf \(--format\): give one of html/
    ],
    [
      'counts of CSV',
      () => [tracePath(), '--format', 'csv', '--counts-only'],
      /csv contains every token/
    ],
    [
      'a run that is not there',
      () => [tracePath(), '--format', 'csv', '--run', 'x'],
      /has no run x/
    ]
  ])('refuses %s in one line, and writes nothing', (_, args, message) => {
    const folder = temporaryFolder();
    const { code, stderr } = run(
      'export',
      ...args(),
      '--out',
      join(folder, 'x')
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moe-debugger: error: .*\n$/);
    expect(stderr).toMatch(message);
    expect(readdirSync(folder)).toEqual([]);
  });
});
