import type { TraceRows } from 'moe-debugger/protocol';
import { layer, sample } from '../testing/documents';
import { GrowingSample } from './growing-sample';

/** Two rows of the sample's model: token 3 takes experts 1 and 2, token 4 experts 0 and 3. */
function rows(more: Partial<TraceRows> = {}): TraceRows {
  const own = {
    logits: Float32Array.of(1, 1, 1, 1, 2, 2, 2, 2),
    selected: Int32Array.of(1, 2, 0, 3),
    weights: Float32Array.of(0.5, 0.5, 0.125, 0.875)
  };
  return {
    trace: 'a',
    from: 3,
    skipped: [],
    tokens: [
      { position: 3, id: 30 },
      { position: 4, id: 40 }
    ],
    layers: [layer(0, own), layer(2, own)],
    steps: [],
    ...more
  };
}

const positions = (growing: GrowingSample) =>
  growing.sample.tokens.map(({ position }) => position);

describe('GrowingSample', () => {
  it('adds rows after those that it has', () => {
    const growing = new GrowingSample(sample('a'));
    const before = growing.sample;
    expect(growing.append(rows())).toBe(true);
    expect(positions(growing)).toEqual([0, 1, 2, 3, 4]);
    const [first, second] = growing.sample.layers;
    expect([...first.selected]).toEqual([0, 3, 3, 2, 1, -1, 1, 2, 0, 3]);
    expect([...second.weights]).toEqual([
      0.25, 0.75, 0.5, 0.5, 1, 0, 0.5, 0.5, 0.125, 0.875
    ]);
    expect([...first.logits.slice(12)]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    // What was handed out before has not changed.
    expect(before.tokens).toHaveLength(3);
    expect(before.layers[0].selected).toHaveLength(6);
  });

  it('grows through many rows', () => {
    const growing = new GrowingSample(sample('a'));
    for (let from = 3; from < 203; from += 2) {
      expect(growing.append(rows({ from }))).toBe(true);
    }
    expect(growing.sample.tokens).toHaveLength(203);
    expect(growing.sample.layers[0].selected).toHaveLength(406);
    expect([...growing.sample.layers[0].selected.slice(-4)]).toEqual([
      1, 2, 0, 3
    ]);
  });

  it('takes rows that it has in part, and none twice', () => {
    const growing = new GrowingSample(sample('a'));
    expect(growing.append(rows({ from: 2 }))).toBe(true);
    expect(growing.sample.tokens.map(({ id }) => id)).toEqual([0, 1, 2, 40]);
    expect([...growing.sample.layers[0].selected.slice(6)]).toEqual([0, 3]);
    expect(growing.append(rows({ from: 2 }))).toBe(true);
    expect(growing.sample.tokens).toHaveLength(4);
  });

  it('says when rows before them are missing', () => {
    const growing = new GrowingSample(sample('a'));
    expect(growing.append(rows({ from: 4 }))).toBe(false);
    expect(growing.sample.tokens).toHaveLength(3);
  });

  it('shows skipped tokens without routing, and logits that were left out as unknown', () => {
    const growing = new GrowingSample(sample('a'));
    const bare = { logits: new Float32Array(0) };
    const { layers } = rows();
    growing.append(
      rows({
        skipped: [{ position: 3, id: 1 }],
        layers: layers.map(own => ({ ...own, ...bare }))
      })
    );
    expect(growing.sample.tokens).toHaveLength(6);
    const [first] = growing.sample.layers;
    expect([...first.selected.slice(6)]).toEqual([-1, -1, 1, 2, 0, 3]);
    expect([...first.logits.slice(12)]).toEqual(Array(12).fill(NaN));
  });

  it('refuses rows of another model', () => {
    const growing = new GrowingSample(sample('a'));
    expect(() => growing.append(rows({ layers: [layer(0)] }))).toThrow(
      'rows of another trace'
    );
    expect(() =>
      growing.append(rows({ layers: [layer(0), layer(1)] }))
    ).toThrow('rows of another trace');
  });
});
