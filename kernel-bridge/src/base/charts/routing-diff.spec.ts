import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { routingDiffSpec, type RoutingDiffChart } from '.';

function render(chart: RoutingDiffChart): {
  svg: string[];
  warnings: string[];
} {
  return JSON.parse(
    execFileSync(
      process.execPath,
      [join(__dirname, '../../../test/render-spec.mjs')],
      {
        input: JSON.stringify([{ spec: routingDiffSpec(chart) }]),
        encoding: 'utf8'
      }
    )
  );
}

const cell = (token: number, layer: number, changed: number) => ({
  token,
  layer,
  changed,
  left: [1],
  entered: [2],
  nearMiss: true
});
const chart: RoutingDiffChart = {
  title: 'demo',
  subtitle: 'changed experts',
  tokens: ['if', '"]+alert(1)+["', ' x'].map((text, position) => ({
    position,
    id: position,
    text
  })),
  layers: ['layer 0', 'null'],
  cells: [cell(0, 0, 0), cell(2, 0, 0.5), cell(0, 1, 1), cell(2, 1, 0)]
};

describe('routingDiffSpec', () => {
  it('draws a cell for each token that both runs have, with labels as text', () => {
    const { svg, warnings } = render(chart);
    expect(warnings).toEqual([]);
    expect(svg[0].match(/aria-roledescription="rect mark"/g)).toHaveLength(4);
    for (const label of ['if', '"]+alert(1)+["', '·x', 'layer 0', 'null']) {
      expect(svg[0]).toContain(`>${label}</text>`);
    }
  });

  it('reports omitted tokens', () => {
    const { svg } = render({ ...chart, maxCells: 2 });
    expect(svg[0]).toContain('first 1 of 3 tokens');
    expect(svg[0].match(/aria-roledescription="rect mark"/g)).toHaveLength(2);
  });

  it('is empty without cells', () => {
    expect(render({ ...chart, tokens: [], cells: [] }).warnings).toEqual([]);
  });
});
