import type { RoutingLayer } from '../protocol';
import { expertLoad, tokenRateCeiling } from '.';

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

describe('expertLoad', () => {
  it('counts selections and divides by tokens, without dropped slots', () => {
    expect(expertLoad(layer)).toEqual([
      { expert: 0, selections: 4, tokenRate: 1 },
      { expert: 1, selections: 2, tokenRate: 0.5 },
      { expert: 2, selections: 1, tokenRate: 0.25 },
      { expert: 3, selections: 0, tokenRate: 0 }
    ]);
  });

  it('has an axis that fits all layers', () => {
    expect(tokenRateCeiling([{ id: 'a', tokens: [], layers: [layer] }])).toBe(
      1
    );
  });
});
