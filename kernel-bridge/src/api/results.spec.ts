import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../test/temporary';
import { tinyMoE } from '../../test/tiny-moe';
import { MIMEBUNDLE, type Displayable } from '../base/kernel-api';
import { analyze } from '../analyses/behaviour';
import { compressionPlan } from '../analyses/compression';
import { diagnose } from '../analyses/findings';
import { readTrace } from '../files/trace/read-trace';
import { loadModel } from './load-model';
import type { MoEModel } from './moe-model';

// Vega is made of modules that jest does not load; ui-tests and tests/kernel look at real pictures.
jest.mock('../show/still-svg', () => ({
  specSvg: async () => '<svg xmlns="http://www.w3.org/2000/svg"/>'
}));

const IDS = [3, 17, 4, 29, 11];
const OTHERS = [3, 17, 9, 29, 11];
const EDITS = { ablate: [{ layer: 0, expert: 3 }] };

interface Saved {
  toJSON(): unknown;
  save(file: string): Promise<void>;
}
type Make = (model: MoEModel) => Promise<Saved>;

/** Each result, the endings that it can be written with, and whether a cell shows it as a table. */
const RESULTS: [name: string, make: Make, endings: string, table: boolean][] = [
  ['trace', model => model.trace(IDS), '.json .html .parquet', false],
  [
    'generation',
    model => model.generate(IDS, { maxNewTokens: 2 }),
    '.json',
    false
  ],
  ['lens', model => model.lens(IDS), '.json .csv .html', true],
  [
    'attribution',
    model => model.attribute(IDS, { baseline: { token: 2 }, steps: 4 }),
    '.json .csv .html',
    true
  ],
  [
    'sweep',
    model => model.sweep([IDS], { layers: [0] }),
    '.json .csv .html .svg',
    true
  ],
  ['attention', model => model.attention(IDS), '.json .csv .html .svg', true],
  [
    'heads',
    model => model.findHeads({ count: 2, length: 6 }),
    '.json .csv .html .svg',
    true
  ],
  [
    'steering vectors',
    model => model.steeringVectors({ positive: [IDS], negative: [OTHERS] }),
    '.json',
    true
  ],
  [
    'pipelines',
    // Every pair of experts is a step.
    model =>
      model.expertPipelines([IDS, OTHERS], {
        effectTokens: 0,
        alpha: 1,
        minLift: 0.01
      }),
    '.json .csv .html .svg .dot .mmd',
    true
  ],
  [
    'counterfactual',
    model => model.counterfactual(IDS, EDITS),
    '.json .dot .mmd .html',
    true
  ],
  [
    'diff',
    async model => (await model.counterfactual(IDS, EDITS)).diff,
    '.json .csv .html .svg',
    true
  ],
  [
    'figure',
    async model => (await model.trace(IDS)).loads(0),
    '.json .svg',
    false
  ],
  ['session', async model => model.session(), '.json', true]
];

const BEGINNINGS: Record<string, RegExp> = {
  '.json': /^\{"/,
  '.csv': /^\w+,\w+.*\r\n/,
  '.html': /^<!DOCTYPE html>/,
  '.svg': /^<svg /,
  '.dot': /^digraph /,
  '.mmd': /^flowchart /,
  '.parquet': /^PAR1/
};

describe('a result', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(tinyMoE().save());
  });
  afterAll(() => model.dispose());

  it.each(RESULTS)('%s is written by its ending', async (_, make, endings) => {
    const result = await make(model);
    const folder = temporaryFolder();
    for (const ending of endings.split(' ')) {
      const file = join(folder, `a${ending}`);
      await result.save(file);
      expect(readFileSync(file, 'utf8')).toMatch(BEGINNINGS[ending]);
    }
    expect(JSON.parse(readFileSync(join(folder, 'a.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(result))
    );
    await expect(result.save(join(folder, 'a.png'))).rejects.toMatchObject({
      code: 'input',
      hint: `use ${endings.replace(/ /g, ', ')}`
    });
  });

  it.each(RESULTS.filter(([, , , table]) => table))(
    '%s shows a table in a cell',
    async (_, make, endings) => {
      const result = (await make(model)) as unknown as Displayable;
      const bundle = await result[MIMEBUNDLE]();
      const html = String(bundle['text/html']);
      // It scrolls: no cell wraps (JupyterLab sets white-space), and the box around it does not grow.
      expect(html).toMatch(
        /<div style="max-width: 100%; overflow-x: auto"><table style="table-layout: auto; width: max-content">.*<tbody>.*<\/table><\/div>/
      );
      expect(bundle['text/plain']).toBe(String(result));
      const picture =
        /^<div style="max-width: 100%; overflow-x: auto"><img class="moe-StillPicture" src="data:image\/svg\+xml;base64,([^"]+)"/.exec(
          html
        );
      expect(picture !== null).toBe(/\.(svg|dot)/.test(endings));
      if (picture) {
        expect(html.match(/<tr>/g)!.length).toBeGreaterThan(1);
        expect(Buffer.from(picture[1], 'base64').toString()).toMatch(/^<svg /);
        // Drawings of graphs are in the HTML only.
        expect('image/svg+xml' in bundle).toBe(
          endings.includes('.svg') && !endings.includes('.dot')
        );
      }
    }
  );

  it('that is plain data shows as tables, and stays plain', async () => {
    const session = model.session();
    const trace = await session.trace([IDS, OTHERS]);
    const [first] = session.routingStats();
    /** Data, with the number of rows of each of its tables. */
    const shown: [data: object, rows: number[]][] = [
      [session.routingStats(), [2]],
      [session.expertMetrics(1), [first.experts]],
      [session.performanceMetrics(), [1]],
      [session.expertUtilization(), [2]],
      [session.issues(), [session.issues().length]],
      [analyze(trace), [2, 2 * first.experts]],
      [diagnose(trace), [diagnose(trace).findings.length, 2]]
    ];
    for (const [data, rows] of shown) {
      const { 'text/html': html } = await (data as Displayable)[MIMEBUNDLE]();
      const bodies = [...String(html).matchAll(/<tbody>(.*?)<\/tbody>/g)];
      expect(bodies.map(([, body]) => body.split('<tr>').length - 1)).toEqual(
        rows
      );
      expect(JSON.stringify(data)).not.toContain('text/html');
    }
    const cells = String(
      (await (session.routingStats() as unknown as Displayable)[MIMEBUNDLE]())[
        'text/html'
      ]
    );
    expect(cells).toContain(
      `<td>layer 0</td><td>${first.experts}</td><td>${first.topK}</td><td>10</td>`
    );
  });

  it('that is a compression plan shows its effect, sizes and pairs beside it', async () => {
    const plan = await compressionPlan(model, [OTHERS], {
      keep: 6,
      heldOut: [IDS]
    });
    const { all } = plan.effect!;
    const html = String((await plan[MIMEBUNDLE]())['text/html']);
    expect(html.match(/<table/g)).toHaveLength(4);
    expect(html).toContain(
      `<td>all</td><td>${all.tokens}</td><td>${Number(all.loss.toPrecision(4))}</td>`
    );
  });

  it('that is attention is drawn as the mean of its heads', async () => {
    const record = await model.attention(IDS);
    const { data } = record.figure();
    const heads = record.layers.flatMap(({ layer, heads: count }) =>
      Array.from({ length: count }, (_, head) => record.head({ layer, head })!)
    );
    expect(heads.length).toBe(2);
    expect(data.values.flat()).toHaveLength(IDS.length ** 2);
    data.values
      .flat()
      .forEach((value, i) =>
        expect(value).toBeCloseTo((heads[0][i] + heads[1][i]) / 2, 6)
      );
  });

  it('colours the tokens of an attribution by what they give', async () => {
    const found = await model.attribute(IDS, {
      baseline: { token: 2 },
      steps: 4
    });
    const { 'text/html': html } = found[MIMEBUNDLE]();
    const signs = [...String(html).matchAll(/rgba\((\d+), [^)]*\)/g)].map(
      ([, red]) => (red === '31' ? 1 : -1)
    );
    expect(signs).toEqual(
      found.tokens.map(({ attribution }) => (attribution < 0 ? -1 : 1))
    );
  });

  it('that is a trace is read back from Parquet', async () => {
    const trace = await model.with(EDITS).trace([IDS, OTHERS]);
    const file = join(temporaryFolder(), 'trace.parquet');
    await trace.save(file);
    const again = await readTrace(file);
    const selected = ({ samples }: typeof trace) =>
      samples.map(({ layers }) => [...layers[1].selected]);
    expect(selected(again)).toEqual(selected(trace));
    expect(again.edits).toEqual(trace.edits);
  });
});
