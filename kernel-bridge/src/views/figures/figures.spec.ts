/** Figures of an artificial trace, whose values follow from its rule. */
import '../trace-looks';
import { samplesOf } from '../../../test/made-samples';
import { RoutingTrace } from '../../run/trace/routing-trace';

/** Experts 0 and 1 are selected together, as are 2 and 3; code selects the first pair. */
const samples = samplesOf(
  ({ domain }) => (domain === 'code' ? [0, 1] : [2, 3]),
  { experts: 6, topK: 2, samples: 8, length: 100, domains: ['code', 'prose'] }
);
const [{ layer }] = samples[0].layers;
const trace = new RoutingTrace({
  id: 't',
  model: 'made',
  samples,
  moeLayers: 1,
  timing: { inference: 0 }
});

describe('the figures of a trace', () => {
  it('give loads with intervals around them', () => {
    const { data } = trace.loads(layer);
    expect(data).toMatchObject({ tokens: 800, uniform: 2 / 6 });
    const rates = data.experts.map(({ tokenRate }) => tokenRate);
    expect(rates).toEqual([0.5, 0.5, 0.5, 0.5, 0, 0]);
    // Wilson's interval of half of n: centre 1/2, half width z / (2 sqrt(n + z^2)); 60 ids at random repeat a few contexts.
    const n = data.effectiveTokens;
    expect(n).toBeGreaterThan(780);
    expect(n).toBeLessThan(800);
    const half = 1.959964 / (2 * Math.sqrt(n + 1.959964 ** 2));
    expect(data.experts[0].low).toBeCloseTo(0.5 - half, 6);
    expect(data.experts[0].high).toBeCloseTo(0.5 + half, 6);
  });

  it('show co-activation, with pairs adjacent', () => {
    const { data } = trace.coactivation(layer);
    expect(data.values[0].slice(0, 4)).toEqual([null, 1, 0, 0]);
    expect(data.values[4].every(value => value === null)).toBe(true);
    const at = (expert: number): number => data.order.indexOf(expert);
    expect(Math.abs(at(0) - at(1))).toBe(1);
    expect(Math.abs(at(2) - at(3))).toBe(1);
    expect(String(trace.coactivation(layer))).toContain('100.0 %');
  });

  it('show the tokens that experts share', () => {
    const { values } = trace.similarity(layer).data;
    expect(values[0][1]).toBe(1);
    expect(values[0][4]).toBe(0);
  });

  it('give rates by domain and over time', () => {
    expect(trace.domains(layer).data.rows).toEqual([
      { name: 'code', tokens: 400, tokenRate: [1, 1, 0, 0, 0, 0] },
      { name: 'prose', tokens: 400, tokenRate: [0, 0, 1, 1, 0, 0] }
    ]);
    const { rows } = trace.overTime(layer).data;
    expect(rows.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(800);
    for (const { tokenRate } of rows) {
      expect(tokenRate.reduce((a, b) => a + b, 0)).toBeCloseTo(2, 12);
    }
  });

  it('name what is not there', () => {
    expect(() => trace.loads(99)).toThrow(/layer 99 has no router.*layer /);
    const plain = samples.map(({ domain: _, ...sample }) => sample);
    const without = new RoutingTrace({
      id: 't',
      model: '',
      samples: plain,
      moeLayers: 1,
      timing: { inference: 0 }
    });
    expect(() => without.domains(layer)).toThrow(/no sample .* has a domain/);
  });
});
