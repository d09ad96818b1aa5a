import type { RoutingLayer, RoutingSample } from '../../base/protocol';
import { coverageOf } from './coverage';
import { RoutingTrace } from './routing-trace';

const layer = (
  number: number,
  more: Partial<RoutingLayer> = {}
): RoutingLayer => ({
  layer: number,
  experts: 2,
  topK: 1,
  score: 'softmax',
  logitsAre: 'logits',
  logits: Float32Array.of(0, 0, Math.log(3), 0),
  selected: Int32Array.of(0, 0),
  weights: Float32Array.of(0.5, 0.75),
  ...more
});
const sample = (layers: RoutingLayer[], id = '0'): RoutingSample => ({
  id,
  tokens: [
    { position: 0, id: 11, text: 'a' },
    { position: 1, id: 12, text: ' b' }
  ],
  layers
});
const trace = (
  samples: RoutingSample[],
  outputLogits?: Map<string, { data: Float32Array; width: number }>
): RoutingTrace =>
  new RoutingTrace({
    id: 't',
    model: 'tiny',
    samples,
    moeLayers: 2,
    timing: { inference: 1 },
    outputLogits
  });

describe('coverageOf', () => {
  it('counts tokens once and slots in every layer', () => {
    expect(
      coverageOf(
        [sample([layer(0), layer(3)]), sample([layer(0), layer(3)])],
        2
      )
    ).toEqual({ moeLayers: 2, layersCaptured: 2, tokens: 4, slots: 8 });
  });

  it('counts the tokens of the stack that a layer is in', () => {
    const both: RoutingSample = {
      ...sample([
        layer(0, {
          stack: 'encoder',
          selected: Int32Array.of(0),
          weights: Float32Array.of(1)
        }),
        layer(0, { stack: 'decoder' })
      ]),
      encoderTokens: [{ position: 0, id: 1 }]
    };
    expect(coverageOf([both], 2).slots).toBe(3);
  });

  it.each([
    ['nothing', []],
    ['no layers', [sample([])]],
    ['too few slots', [sample([layer(4, { selected: Int32Array.of(0) })])]],
    [
      'too many weights',
      [sample([layer(4, { weights: Float32Array.of(1, 1, 1) })])]
    ]
  ])('treats %s as an error, never as zeros', (_, samples) => {
    expect(() => coverageOf(samples, 1)).toThrow(
      expect.objectContaining({ code: 'capture' })
    );
  });
});

describe('RoutingTrace', () => {
  it('is a document of rows', () => {
    const document = trace(
      [sample([layer(0)])],
      new Map([['0', { data: Float32Array.of(1, 2, 3), width: 3 }]])
    ).toJSON();
    expect(document).toMatchObject({
      schema: 'moe-debugger/trace@1',
      model: 'tiny',
      coverage: { moeLayers: 2, layersCaptured: 1, tokens: 2, slots: 2 },
      edits: []
    });
    expect(document.samples[0].outputLogits).toEqual([[1, 2, 3]]);
    expect(document.samples[0].layers[0]).toEqual({
      layer: 0,
      experts: 2,
      topK: 1,
      score: 'softmax',
      logitsAre: 'logits',
      logits: [
        [0, 0],
        [expect.closeTo(Math.log(3), 6), 0]
      ],
      selected: [[0], [0]],
      weights: [[0.5], [0.75]]
    });
  });

  it('writes null for values that JSON lacks', () => {
    const broken = trace([
      sample([layer(0, { logits: Float32Array.of(NaN, Infinity, 0, 0) })])
    ]);
    expect(broken.toJSON().samples[0].layers[0].logits).toEqual([
      [null, null],
      [0, 0]
    ]);
    expect(JSON.stringify(broken)).not.toMatch(/NaN|Infinity/);
  });

  it('yields events by layer and token, with the confidence of the selection', () => {
    const events = [...trace([sample([layer(0), layer(3)])]).events()];
    expect(
      events.map(({ layerIdx, tokenPosition }) => [layerIdx, tokenPosition])
    ).toEqual([
      [0, 0],
      [0, 1],
      [3, 0],
      [3, 1]
    ]);
    expect(events[1]).toMatchObject({
      sessionId: 't',
      tokenText: ' b',
      selectedExperts: [0],
      expertWeights: [0.75]
    });
    // Uniform over two is 0; (3/4, 1/4) is 1 - (3/4 ln 4/3 + 1/4 ln 4) / ln 2.
    expect(events[0].routingConfidence).toBeCloseTo(0, 6);
    expect(events[1].routingConfidence).toBeCloseTo(0.18872, 5);
  });

  it('finds a layer by its number, or lists the existing ones', () => {
    const one = trace([sample([layer(0), layer(3)])]);
    expect(one.layer(3).layer).toBe(3);
    expect(() => one.layer(1)).toThrow(
      /layer 1 is not an MoE layer; there are layer 0, layer 3/
    );
    expect(() => one.layer(0, 2)).toThrow(
      /there is no sample 2; the trace has 1/
    );
  });

  it('describes itself', () => {
    expect(String(trace([sample([layer(0)])]))).toBe(
      'RoutingTrace of tiny: 2 tokens, 1 of 2 MoE layers, 2 slots'
    );
  });
});
