/** Sweeps from the command line, as a shell sees them. */
import type { SweepDocument } from '../src';
import { promptsFile, run } from './run-cli';
import { tinyMoE } from './tiny-moe';

const tiny = tinyMoE().save();

describe('sweep', () => {
  const figures = {
    klMean: expect.any(Number) as number,
    klLast: expect.any(Number) as number,
    deltaLogProb: expect.any(Number) as number
  };

  it('prints one JSON document', async () => {
    const file = promptsFile(
      { id: 'a', input_ids: [3, 14, 15], domain: 'x' },
      { id: 'b', input_ids: [9, 2, 6, 5], domain: 'y' }
    );
    const { code, stdout, stderr } = await run([
      'sweep',
      tiny,
      '--prompts',
      file,
      '--layers',
      '1',
      '--mode',
      'drop',
      '--json'
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const document = JSON.parse(stdout) as SweepDocument;
    expect(document).toMatchObject({
      schema: 'moe-debugger/sweep@1',
      mode: 'drop',
      prompts: 2,
      tokens: 7,
      done: 16,
      total: 16
    });
    expect(document.rows).toHaveLength(8);
    document.rows.forEach((row, expert) =>
      expect(row).toMatchObject({
        layer: 1,
        expert,
        mode: 'drop',
        tokensAffected: expect.any(Number) as number,
        domains: [
          { domain: 'x', ...figures },
          { domain: 'y', ...figures }
        ],
        ...figures
      })
    );
  });

  it('prints a table for people', async () => {
    const { code, stdout } = await run([
      'sweep',
      tiny,
      '--input-ids',
      '3,14,15',
      '--experts',
      '0,5',
      '--target',
      '7'
    ]);
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(2 + 4);
    expect(stdout).toMatch(/layer +expert +tokens +KL mean/);
  });

  it.each([
    [['--layers', '8'], /layer 8 has no router.*layer 0, layer 1/],
    [['--experts', '8'], /no expert 8 \(layer 0\)/],
    [['--mode', 'swap'], /give mask or drop/],
    [['--target', '50'], /token id 50/],
    [['--target', 'x'], /no tokenizer/],
    [['--criterion', 'token:x'], /no tokenizer/],
    [['--criterion', 'regex:('], /not a regular expression/],
    [['--criterion', 'better'], /give token:ID/],
    [['--criterion', 'token:1', '--target', '2'], /exclude each other/]
  ])('refuses %j in one line', async (more, message) => {
    const { code, stdout, stderr } = await run([
      'sweep',
      tiny,
      '--input-ids',
      '3,14',
      ...more
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('tests which experts a criterion depends on', async () => {
    const { code, stdout, stderr } = await run([
      'sweep',
      tiny,
      '--input-ids',
      '3,14,15',
      '--criterion',
      'token:7',
      '--json'
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'moe-debugger/causality@1',
      criterion: 'log-probability of token 7',
      prompts: 1
    });
  });

  it('has nothing to sweep without a prompt', async () => {
    const { code, stderr } = await run(['sweep', tiny]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/sweep needs a prompt.*--prompts/);
  });
});
