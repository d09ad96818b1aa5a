import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { SweepDocument, SweepRow } from '../protocol';
import { sweepHeatmapSpec, VEGA_LITE_5, type VegaLiteSpec } from '.';

/** Renders with Vega, as a notebook does. */
function render(spec: VegaLiteSpec): { svg: string[]; warnings: string[] } {
  return JSON.parse(
    execFileSync(
      process.execPath,
      [join(__dirname, '../../../test/render-spec.mjs')],
      { input: JSON.stringify([{ spec }]), encoding: 'utf8' }
    )
  );
}

function row(
  layer: number,
  expert: number,
  klMean: number | null,
  more: Partial<SweepRow> = {}
): SweepRow {
  return {
    layer,
    expert,
    mode: 'mask',
    prompts: 2,
    promptsReached: 2,
    tokensAffected: 5,
    tokensReached: 9,
    klMean,
    klLast: 0.5,
    deltaLogProb: -0.25,
    deltaRank: 3,
    tokens: [],
    ...more
  };
}

const document: Pick<SweepDocument, 'model' | 'mode' | 'routers' | 'rows'> = {
  model: 'toy',
  mode: 'mask',
  routers: [
    { layer: 1, experts: 4 },
    { layer: 3, module: 'mlp', experts: 2 }
  ],
  rows: [
    row(1, 0, 0.5, {
      domains: [{ domain: 'german', ...row(1, 0, 0.125) }]
    }),
    row(1, 3, 0.25),
    row(3, 1, null, { module: 'mlp' })
  ]
};

const cells = (svg: string): number =>
  [...svg.matchAll(/aria-roledescription="rect mark"/g)].length;

it('draws a cell for each expert with a finite value', () => {
  const { svg, warnings } = render(sweepHeatmapSpec(document));
  expect(warnings).toEqual([]);
  expect(cells(svg[0])).toBe(2);
  expect(svg[0]).toContain('toy · each expert ablated by mask');
  expect(svg[0]).toContain('mean KL (nats)');
  expect(svg[0]).toContain('layer 3 mlp');
});

it('uses a diverging scale for signed measures', () => {
  const { svg, warnings } = render(
    sweepHeatmapSpec(document, { measure: 'deltaLogProb', schema: VEGA_LITE_5 })
  );
  expect(warnings).toEqual([]);
  expect(cells(svg[0])).toBe(3);
  expect(svg[0]).toContain('change of log-probability (nats)');
  const { scale } = (
    sweepHeatmapSpec(document, { measure: 'deltaLogProb' }).encoding as {
      color: { scale: { domain: number[] } };
    }
  ).color;
  expect(scale.domain).toEqual([-0.25, 0.25]);
});

it('draws one domain', () => {
  const spec = sweepHeatmapSpec(document, { domain: 'german' });
  expect(spec.data).toMatchObject({
    values: [{ router: 0, expert: 0, value: 0.125 }]
  });
  expect(render(spec).svg[0]).toContain('mean KL (nats), german');
});

it('is empty where nothing was swept', () => {
  const { svg, warnings } = render(sweepHeatmapSpec({ ...document, rows: [] }));
  expect(warnings).toEqual([]);
  expect(cells(svg[0])).toBe(0);
});

it('treats the name of a module as text, not as an expression', () => {
  const module = "'] + alert(1) + ['";
  const { svg, warnings } = render(
    sweepHeatmapSpec({
      ...document,
      routers: [{ layer: 0, module, experts: 2 }],
      rows: [row(0, 0, 1, { module })]
    })
  );
  expect(warnings).toEqual([]);
  expect(svg[0]).toContain('alert(1)');
});
