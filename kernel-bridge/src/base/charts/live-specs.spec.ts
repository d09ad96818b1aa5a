import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { RoutingLayer } from '../protocol';
import {
  CELL_CURSOR,
  CELL_IMAGE,
  addCellImage,
  expertLoad,
  expertLoadSpec,
  routingHeatmapSpec,
  tokenRateCeiling,
  type VegaLiteSpec
} from '.';

function render(spec: VegaLiteSpec): { svg: string[]; warnings: string[] } {
  return JSON.parse(
    execFileSync(
      process.execPath,
      [join(__dirname, '../../../test/render-spec.mjs')],
      { input: JSON.stringify([{ spec }]), encoding: 'utf8' }
    )
  );
}

const layer: RoutingLayer = {
  layer: 0,
  experts: 4,
  topK: 2,
  score: 'softmax',
  logitsAre: 'logits',
  logits: new Float32Array(0),
  selected: Int32Array.of(0, 1, 0, 1, 0, 2, 0, -1),
  weights: new Float32Array(8).fill(0.5)
};

describe('routingHeatmapSpec', () => {
  const tokens = Array.from({ length: 256 }, (_, position) => ({
    position,
    id: position,
    text: `t${position}`
  }));
  const spec = routingHeatmapSpec({
    tokens,
    experts: 64,
    ceiling: 0.4,
    width: 600,
    height: 320,
    scheme: 'viridis',
    titles: { token: 'token', expert: 'expert', measure: 'weight' }
  });

  it('labels what fits and ends the legend at the ceiling', () => {
    const { svg, warnings } = render(spec);
    expect(warnings).toEqual([]);
    // 256 labels of 12 pixels in 600 pixels: every tenth.
    expect(svg[0].match(/>t\d+</g)).toHaveLength(26);
    expect(svg[0]).toContain('>t250<');
    expect(svg[0]).toContain('>0.4<');
  });

  it('labels the first token in a width that is not a multiple of the cells', () => {
    const { svg } = render(
      routingHeatmapSpec({
        tokens: tokens.slice(0, 15),
        experts: 8,
        ceiling: 1,
        width: 250,
        height: 144,
        scheme: 'viridis',
        titles: { token: 'token', expert: 'expert', measure: 'weight' }
      })
    );
    expect(svg[0].match(/>t\d+</g)).toHaveLength(15);
  });

  it('labels tokens that are reserved words of an expression language', () => {
    const words = ['if', 'else', 'return', 'null', 'datum'];
    const { svg } = render(
      routingHeatmapSpec({
        tokens: words.map((text, position) => ({
          position,
          id: position,
          text
        })),
        experts: 2,
        ceiling: 1,
        width: 200,
        height: 60,
        scheme: 'viridis',
        titles: { token: 'token', expert: 'expert', measure: 'weight' }
      })
    );
    for (const word of words) {
      expect(svg[0]).toContain(`>${word}</text>`);
    }
  });

  it('puts the cells in one image under the cursor', () => {
    const vega = { data: [{ name: CELL_CURSOR }], marks: [{ type: 'rect' }] };
    const patched = addCellImage(vega);
    expect(patched.marks).toMatchObject([{ type: 'image' }, { type: 'rect' }]);
    expect(patched.data).toMatchObject([
      { name: CELL_CURSOR },
      { name: CELL_IMAGE }
    ]);
    expect(vega.marks).toHaveLength(1);
  });
});

describe('expertLoad', () => {
  it('counts selections and divides by tokens, without dropped slots', () => {
    expect(expertLoad(layer)).toEqual([
      { expert: 0, selections: 4, tokenRate: 1 },
      { expert: 1, selections: 2, tokenRate: 0.5 },
      { expert: 2, selections: 1, tokenRate: 0.25 },
      { expert: 3, selections: 0, tokenRate: 0 }
    ]);
  });

  it('has an axis that fits all layers and names its convention', () => {
    expect(tokenRateCeiling([{ id: 'a', tokens: [], layers: [layer] }])).toBe(
      1
    );
    const { svg, warnings } = render(
      expertLoadSpec({
        experts: 4,
        topK: 2,
        ceiling: 1,
        width: 100,
        height: 60,
        colors: { bar: 'steelblue', uniform: 'gray' },
        title: 'token rate'
      })
    );
    expect(warnings).toEqual([]);
    expect(svg[0]).toContain('token rate');
    expect(svg[0]).toContain('>100%<');
  });
});
