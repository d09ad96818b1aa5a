/** Runs the built command in a shell, so build before testing. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { DEMO } from '../../../test/zoo';

const MAIN = join(__dirname, '../../../lib/programs/cli/main.js');

function run(
  ...args: string[]
): Promise<{ stdout: string; stderr: string; code: number | null }> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [MAIN, 'generate', ...args]);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.on('close', code => resolve({ stdout, stderr, code }));
  });
}

describe('moe-debugger generate', () => {
  it('prints the text and nothing else', async () => {
    expect(
      await run(DEMO, '--prompt', 'def fib(n):', '--max-new-tokens', '7')
    ).toEqual({
      stdout: '\n    """SubclassError:\n',
      stderr: '',
      code: 0
    });
  });

  it('prints one JSON document', async () => {
    const { stdout, stderr, code } = await run(
      DEMO,
      '--prompt',
      'def fib(n):',
      '--json',
      '--stop',
      ':\n',
      '--max-new-tokens',
      '40'
    );
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const document = JSON.parse(stdout) as { samples: { layers: unknown[] }[] };
    expect(document).toMatchObject({
      schema: 'moe-debugger/generate@1',
      model: 'demo',
      prompt: 'def fib(n):',
      text: '\n    """SubclassError',
      finishReason: 'stop',
      coverage: { moeLayers: 6, layersCaptured: 6 },
      edits: []
    });
    expect(document.samples[0].layers).toHaveLength(6);
  });

  it('reproduces the samples of a seed', async () => {
    const draw = [
      '--prompt',
      'Le',
      '--temperature',
      '0.9',
      '--sample-top-k',
      '40',
      '--top-p',
      '0.95',
      '--seed',
      '7',
      '--max-new-tokens',
      '12'
    ];
    const { stdout } = await run(DEMO, ...draw);
    expect((await run(DEMO, ...draw)).stdout).toBe(stdout);
  });

  it.each([
    [[], /no prompt is given/],
    [['--prompt', ''], /the prompt is empty/],
    [
      ['--prompt', 'x', '--max-new-tokens', '0'],
      /--max-new-tokens.*at least 1/
    ],
    [['--prompt', 'x', '--temperature', 'warm'], /--temperature.*a number/],
    [['--prompt', 'x', '--temperature', '-1'], /temperature is -1/],
    [['--prompt', 'x', '--top-p', '0.5'], /no effect without a temperature/]
  ])('rejects %j in one line', async (args, expected) => {
    const { stdout, stderr, code } = await run(DEMO, ...args);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
    expect(stderr).toMatch(/^moe-debugger: error: [^\n]+\n$/);
    expect(stderr).toMatch(expected);
  });
});
