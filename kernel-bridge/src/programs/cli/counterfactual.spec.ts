import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { chainMoE } from '../../../test/chain-moe';
import { DEMO } from '../../../test/zoo';
import type { CounterfactualDocument } from '../../analyses/counterfactual/document';

const MAIN = join(__dirname, '../../../bin/moe-debugger.mjs');

function run(
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise(resolve =>
    execFile(
      process.execPath,
      [MAIN, 'counterfactual', ...args],
      (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr })
    )
  );
}

describe('counterfactual', () => {
  const chain = join(chainMoE().save(), 'model.onnx');
  const suppressed = ['--input-ids', '1,2,1', '--ablate', '0:0', '--from', '1'];

  it('prints one document', async () => {
    const { code, stdout, stderr } = await run(chain, ...suppressed, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const document = JSON.parse(stdout) as CounterfactualDocument;
    expect(document).toMatchObject({
      schema: 'moe-debugger/counterfactual@1',
      edits: [
        { kind: 'ablate', layer: 0, expert: 0, mode: 'mask', tokens: [1] }
      ],
      graph: { effects: 'direct', unmeasured: [] },
      diff: { schema: 'moe-debugger/diff@1' }
    });
    expect(document.graph.edges).toContainEqual({
      from: 'layer 1 expert 1',
      to: 'layer 2 expert 0',
      effect: 'direct',
      entered: [],
      left: [2]
    });
  });

  it.each([
    [
      'text',
      /^Counterfactual of .*: ablate expert 0 of layer 0 by mask, from token 1 on\n/
    ],
    ['dot', /^digraph counterfactual \{\n[^]*\n\}\n$/],
    ['mermaid', /^flowchart LR\n/]
  ])('prints %s', async (format, expected) => {
    const { code, stdout } = await run(
      chain,
      ...suppressed,
      '--format',
      format
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(expected);
  });

  it('measures only total effects on request', async () => {
    const { stdout } = await run(chain, ...suppressed, '--total');
    expect(stdout).toContain(
      'total effects only: direct effects are turned off'
    );
    expect(stdout).not.toMatch(/^direct/m);
  });

  it.each([
    [['--prompt', 'a'], /there are no edits/],
    [['--ablate', '1:1'], /no prompt is given/],
    [
      ['--prompt', 'a', '--top-k', '1', '--from', '1'],
      /top-k applies to all tokens/
    ],
    [['--prompt', 'a', '--ablate', '9:1'], /layer 9 has no router/],
    [
      ['--prompt', 'a', '--ablate', '1:1', '--format', 'png'],
      /Allowed choices are text, json, dot, mermaid/
    ]
  ])('rejects %j in one line', async (args, message) => {
    const { code, stdout, stderr } = await run(DEMO, ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trim()).not.toContain('\n');
  });
});
