import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import * as fc from 'fast-check';
import {
  clusteredOrder,
  loadIntervalsSpec,
  matrixHeatmapSpec,
  VEGA_LITE_5,
  type VegaLiteSpec
} from '.';

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

const marks = (svg: string, kind: string): number =>
  [...svg.matchAll(new RegExp(`aria-roledescription="${kind}"`, 'g'))].length;

describe('clusteredOrder', () => {
  it('puts similar experts side by side', () => {
    // Even and odd experts form two groups, and neighbours within a group are more similar.
    const n = 8;
    const alike = Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return i % 2 === j % 2 ? 1 - Math.abs(i - j) / 20 : 0.1;
    });
    const order = clusteredOrder(alike, n);
    const first = order.slice(0, 4).sort((a, b) => a - b);
    expect([
      [0, 2, 4, 6],
      [1, 3, 5, 7]
    ]).toContainEqual(first);
  });

  it('is a permutation, whatever the values', () => {
    const matrix = fc.integer({ min: 0, max: 12 }).chain(n =>
      fc.record({
        n: fc.constant(n),
        values: fc.array(fc.double(), { minLength: n * n, maxLength: n * n })
      })
    );
    fc.assert(
      fc.property(matrix, ({ n, values }) => {
        expect(clusteredOrder(values, n).sort((a, b) => a - b)).toEqual(
          Array.from({ length: n }, (_, i) => i)
        );
      })
    );
  });
});

describe('matrixHeatmapSpec', () => {
  it('draws the cells that have a value, under untrusted names', () => {
    const { svg, warnings } = render(
      matrixHeatmapSpec(
        {
          title: 'pairs',
          subtitle: 'of two',
          x: { title: 'expert', labels: ['0', '1', '2'] },
          y: { title: null, labels: ['if', `"'</text><script>`] },
          values: [1, null, 0.5, 0, 0.25, Infinity],
          measure: 'P(column | row)'
        },
        { schema: VEGA_LITE_5 }
      )
    );
    expect(warnings).toEqual([]);
    expect(marks(svg[0], 'rect mark')).toBe(4);
    expect(svg[0]).toContain('>if</text>');
    expect(svg[0]).not.toContain('<script>');
  });

  it.each([
    ['slants names that would overlap', ['inside of a word', 'brackets'], true],
    ['leaves numbers upright', ['0', '1'], false]
  ])('%s', (_what, labels, slanted) => {
    const { svg } = render(
      matrixHeatmapSpec({
        title: 'groups',
        subtitle: '',
        x: { title: 'tokens', labels },
        y: { title: null, labels: ['0'] },
        values: [0, 1],
        measure: 'nats'
      })
    );
    expect(svg[0]).toContain(`>${labels[0]}</text>`);
    expect(/rotate\((-40|320)\)/.test(svg[0])).toBe(slanted);
  });
});

describe('loadIntervalsSpec', () => {
  it('draws a bar and an interval per expert, and the line of balance', () => {
    const { svg, warnings } = render(
      loadIntervalsSpec({
        title: 'load',
        subtitle: 's',
        uniform: 0.5,
        rows: [0, 1, 2, 3].map(expert => ({
          expert,
          selections: expert,
          tokenRate: expert / 4,
          low: expert / 8,
          high: (expert + 1) / 4
        }))
      })
    );
    expect(warnings).toEqual([]);
    expect(marks(svg[0], 'bar')).toBe(4);
    // An interval and its outline per expert, and the line of balance.
    expect(marks(svg[0], 'rule mark')).toBe(2 * 4 + 1);
  });
});
