/** Runs the built commands in a shell, so build before testing. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/graph-builder';
import { DEMO, INDUCTION } from '../../../test/zoo';
import type { Analysis } from '../../analyses/behaviour';
import type { Diagnosis } from '../../analyses/findings';

const MAIN = join(__dirname, '../../../lib/programs/cli/main.js');

function run(
  ...args: string[]
): Promise<{ stdout: string; stderr: string; code: number | null }> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [MAIN, ...args]);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('close', code => resolve({ stdout, stderr, code }));
  });
}

/** The demo model's own texts, five per domain, as a prompts file. */
function demoPrompts(folder: string): string {
  const data = join(DEMO, 'data');
  const path = join(folder, 'prompts.jsonl');
  writeFileSync(
    path,
    readdirSync(data)
      .map(name => readFileSync(join(data, name), 'utf8').trim())
      .join('\n')
  );
  return path;
}

describe('moe-debugger diagnose and analyze', () => {
  const folder = temporaryFolder();
  const prompts = demoPrompts(folder);
  const trace = join(folder, 'trace.parquet');

  beforeAll(async () => {
    const { code } = await run(
      'trace',
      DEMO,
      '--prompts',
      prompts,
      '--out',
      trace
    );
    expect(code).toBe(0);
  });

  it('prints one JSON document of a trace, with the expert that processes German', async () => {
    const { stdout, stderr, code } = await run('diagnose', trace, '--json');
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const diagnosis = JSON.parse(stdout) as Diagnosis;
    expect(diagnosis).toMatchObject({
      schema: 'moe-debugger/diagnose@1',
      model: 'demo',
      samples: 35
    });
    expect(diagnosis.layers.map(({ layer }) => layer)).toEqual([
      0, 1, 2, 3, 4, 5
    ]);
    // The zoo's README: expert 2 of layer 2 processes most German tokens.
    expect(diagnosis.findings).toContainEqual(
      expect.objectContaining({
        kind: 'specialist-expert',
        layer: 2,
        experts: [2],
        evidence: expect.objectContaining({ class: 'german' })
      })
    );
    expect(
      diagnosis.findings.filter(({ severity }) => severity !== 'info')
    ).toEqual([]);
  });

  it('reports the same for a model as for its trace, and inspects its weights', async () => {
    const { stdout, code } = await run(
      'diagnose',
      DEMO,
      '--prompts',
      prompts,
      '--json',
      '--fail-on',
      'warning'
    );
    expect(code).toBe(0);
    const ofModel = JSON.parse(stdout) as Diagnosis;
    const ofTrace = JSON.parse(
      (await run('diagnose', trace, '--json')).stdout
    ) as Diagnosis;
    expect(ofModel.coverage).toEqual({ routers: 6, routersWithWeights: 6 });
    expect(ofModel.layers.map(({ jain }) => jain)).toEqual(
      ofTrace.layers.map(({ jain }) => jain)
    );
    expect(ofModel.findings.map(({ kind, layer }) => [kind, layer])).toEqual(
      ofTrace.findings.map(({ kind, layer }) => [kind, layer])
    );
  });

  it('exits with 1 on a finding, and prints text', async () => {
    const args = [
      'diagnose',
      trace,
      '--threshold',
      'load_balance_threshold=0.99'
    ];
    const { stdout, code } = await run(...args, '--fail-on', 'warning');
    expect(code).toBe(1);
    expect(stdout).toMatch(/warning +layer \d: load-imbalance: /);
    expect(stdout).toMatch(/^layer +Jain +CV/m);
    expect((await run(...args, '--fail-on', 'error')).code).toBe(0);
  });

  it('does not judge what a capture of expert ids alone lacks, and says so', async () => {
    const imported = join(folder, 'served.parquet');
    const capture = join(__dirname, '../../../test/fixtures/import/routed.npy');
    const done = await run('import', 'vllm', capture, '--out', imported);
    expect(done.code).toBe(0);
    const { stdout, code } = await run(
      'diagnose',
      imported,
      '--json',
      '--fail-on',
      'error'
    );
    expect(code).toBe(0);
    const { findings, checks } = JSON.parse(stdout) as Diagnosis;
    expect(findings).toEqual([]);
    expect(checks.find(({ kind }) => kind === 'non-finite')).toMatchObject({
      looked: false,
      count: 0,
      why: expect.stringContaining('weights were not recorded')
    });
    expect(checks.map(({ kind }) => kind)).toContain('dead-expert');
    const text = (await run('diagnose', imported)).stdout;
    expect(text).toMatch(
      /^low-confidence: not looked at: the router's logits/m
    );
    expect((await run('analyze', imported)).stdout).not.toMatch(
      /occurrences of a token/
    );
  });

  it('finds no drift against itself', async () => {
    const { stdout } = await run(
      'diagnose',
      trace,
      '--baseline',
      trace,
      '--json'
    );
    const { findings } = JSON.parse(stdout) as Diagnosis;
    expect(findings.filter(({ kind }) => kind === 'drift')).toEqual([]);
  });

  it('analyzes a trace without its model', async () => {
    const { stdout, code } = await run('analyze', trace, '--json');
    expect(code).toBe(0);
    const { schema, layers } = JSON.parse(stdout) as Analysis;
    expect(schema).toBe('moe-debugger/analyze@1');
    expect(layers[2].roles[2]).toMatchObject({
      role: 'specialist',
      class: 'german'
    });
    expect((await run('analyze', trace)).stdout).toMatch(
      /specialist "german": 2/
    );
  });

  it.each([
    [['diagnose', 'missing.parquet'], /no such trace/],
    [['diagnose', DEMO, '--threshold', 'x'], /NAME=VALUE/],
    [['diagnose', DEMO, '--fail-on', 'info'], /error or warning/],
    [['analyze', __filename], /Parquet/i]
  ])('rejects %j with one line', async (args, message) => {
    const { stdout, stderr, code } = await run(...args);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('requires prompts if a model has no tokenizer', async () => {
    const { stderr, code } = await run('diagnose', INDUCTION);
    expect(code).toBe(2);
    expect(stderr).toMatch(/no tokenizer\.json, .*--prompts/);
  });
});
