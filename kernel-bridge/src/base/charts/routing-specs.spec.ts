import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { RoutingLayer, RoutingSample, Token } from '../protocol';
import { routingFallbackSpec, routingStillSpec, type VegaLiteSpec } from '.';

/** Renders with Vega, as a notebook does. */
function render(
  ...documents: { spec: VegaLiteSpec; signals?: Record<string, unknown> }[]
): { svg: string[]; warnings: string[] } {
  return JSON.parse(
    execFileSync(
      process.execPath,
      [join(__dirname, '../../../test/render-spec.mjs')],
      { input: JSON.stringify(documents), encoding: 'utf8' }
    )
  );
}

function layer(index: number, more: Partial<RoutingLayer> = {}): RoutingLayer {
  return {
    layer: index,
    experts: 4,
    topK: 2,
    score: 'softmax',
    logitsAre: 'logits',
    logits: new Float32Array(12),
    // Not sorted by weight, as in ESFT's files.
    selected: Int32Array.of(0, 3, 1, 2, 2, -1),
    weights: Float32Array.of(0.25, 0.75, 0.5, 0.5, 1, 0),
    ...more
  };
}

const tokens: Token[] = ['def', ' fib', '\n'].map((text, position) => ({
  position,
  id: 10 + position,
  text
}));
const sample: RoutingSample = {
  id: 'p0',
  tokens,
  layers: [layer(2), layer(5, { selected: Int32Array.of(3, 2, 1, 0, 1, 2) })]
};

const cells = (svg: string) =>
  [...svg.matchAll(/aria-roledescription="rect mark"/g)].length;

describe('selections whose weights were not recorded', () => {
  const bare = {
    ...sample,
    layers: sample.layers.map(own => ({
      ...own,
      weights: new Float32Array()
    }))
  };

  it('are drawn in one colour, and the chart says so', () => {
    const still = routingStillSpec(bare, 0);
    const { svg, warnings } = render(
      { spec: still },
      { spec: routingFallbackSpec(bare) }
    );
    expect(warnings).toEqual([]);
    expect(svg).toHaveLength(2);
    for (const drawing of svg) {
      expect(drawing).toContain('weights were not recorded');
      expect(drawing.match(/aria-roledescription="rect mark"/g)).toHaveLength(
        5
      );
      expect(drawing).not.toMatch(/NaN|undefined/);
    }
  });
});

describe('routingStillSpec', () => {
  it('draws one cell per selection and leaves dropped slots out', () => {
    const { svg, warnings } = render({
      spec: routingStillSpec(sample, 0, { model: 'demo' })
    });
    expect(warnings).toEqual([]);
    expect(cells(svg[0])).toBe(5);
    expect(svg[0]).toContain('demo · layer 2');
    expect(svg[0]).toContain('weights of the top 2 of 4 experts, 3 tokens');
    expect(svg[0]).toContain('·fib');
    expect(svg[0]).toContain('↵');
  });

  it('ranks by weight, not by the order of the slots', () => {
    const { values } = routingStillSpec(sample, 0).data as { values: unknown };
    expect(values).toMatchObject([
      { token: 0, expert: 0, weight: 0.25, rank: 2, probability: 0.25 },
      { token: 0, expert: 3, weight: 0.75, rank: 1 },
      { token: 1, expert: 1, weight: 0.5, rank: 1 },
      { token: 1, expert: 2, weight: 0.5, rank: 2 },
      { token: 2, expert: 2, weight: 1, rank: 1 }
    ]);
  });

  it('thins the labels of many tokens and reports omitted ones', () => {
    const count = 3000;
    const long: RoutingSample = {
      id: 'long',
      tokens: Array.from({ length: count }, (_, position) => ({
        position,
        id: position
      })),
      layers: [
        layer(0, {
          selected: new Int32Array(2 * count),
          weights: new Float32Array(2 * count).fill(0.5),
          logits: new Float32Array(0)
        })
      ]
    };
    const { svg } = render({ spec: routingStillSpec(long, 0) });
    expect(cells(svg[0])).toBe(4000);
    expect(svg[0]).toContain('first 2000 of 3000 tokens');
    expect(svg[0].match(/>#\d+</g)!.length).toBeLessThanOrEqual(60);
  });

  it('labels tokens that are reserved words of an expression language', () => {
    const words = ['if', 'this', 'function'];
    const code: RoutingSample = {
      ...sample,
      tokens: tokens.map((token, i) => ({ ...token, text: words[i] }))
    };
    const { svg } = render(
      { spec: routingStillSpec(code, 0) },
      { spec: routingFallbackSpec(code) }
    );
    for (const picture of svg) {
      for (const word of words) {
        expect(picture).toContain(`>${word}</text>`);
      }
    }
  });

  it('names a layer that does not exist', () => {
    expect(() => routingStillSpec(sample, 2)).toThrow(
      'layer index 2 of 2 layers'
    );
  });
});

describe('routingFallbackSpec', () => {
  it('shows the layer at the slider', () => {
    const spec = routingFallbackSpec(sample, { model: 'demo', layerIndex: 1 });
    const { svg, warnings } = render({ spec }, { spec, signals: { layer: 0 } });
    expect(warnings).toEqual([]);
    expect(svg.map(cells)).toEqual([6, 5]);
    expect(svg[0]).toContain('demo · layer 5');
    expect(svg[1]).toContain('demo · layer 2');
    expect(spec.params).toMatchObject([
      { value: 1, bind: { input: 'range', min: 0, max: 1, step: 1 } }
    ]);
  });

  it('is a version 5 document with its data inside', () => {
    const spec = routingFallbackSpec(sample);
    expect(spec.$schema).toContain('/vega-lite/v5');
    expect(JSON.stringify(spec)).not.toContain('"url"');
    expect((spec.data as { values: unknown[] }).values).toHaveLength(11);
  });

  it('labels encoder layers with the encoder tokens', () => {
    const encoderTokens = [{ position: 0, id: 1, text: 'source' }];
    const both: RoutingSample = {
      ...sample,
      encoderTokens,
      layers: [
        layer(0, {
          stack: 'encoder',
          selected: Int32Array.of(1, 2),
          weights: Float32Array.of(0.5, 0.5)
        }),
        layer(0, { stack: 'decoder' })
      ]
    };
    const spec = routingFallbackSpec(both);
    const { svg } = render({ spec }, { spec, signals: { layer: 1 } });
    expect(svg[0]).toContain('encoder layer 0');
    expect(svg[0]).toContain('>source<');
    expect(svg[0]).not.toContain('>def<');
    expect(svg[1]).toContain('>def<');
  });

  it('keeps quotes and expressions in a name as text', () => {
    const name = `"] + alert('x') + ["`;
    const hostile: RoutingSample = {
      ...sample,
      tokens: tokens.map(token => ({ ...token, text: name }))
    };
    const { svg } = render({
      spec: routingFallbackSpec(hostile, { model: name })
    });
    expect(svg[0]).toContain('"] + alert(\'x\') + [" · layer 2');
  });
});
