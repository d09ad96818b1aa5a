import type { TokenPageLayer } from 'moe-debugger/protocol';
import { NOT_ROUTED } from 'moe-debugger/protocol';
import { chipText, chipWidth, segmentsOf } from './chip';

const layer = (more: Partial<TokenPageLayer>): TokenPageLayer => ({
  layer: 1,
  experts: 8,
  topK: 3,
  score: 'softmax',
  selected: Int32Array.of(4, 7, -1, NOT_ROUTED, NOT_ROUTED, NOT_ROUTED),
  weights: Float32Array.of(0.25, 0.75, 0, 0, 0, 0),
  margins: new Float32Array(0),
  next: new Int32Array(0),
  nearMiss: 0.1,
  ...more
});

it('lists the choices by weight, and nothing of a token that is not routed', () => {
  expect(segmentsOf(layer({}), 0)).toEqual([
    { expert: 7, weight: 0.75 },
    { expert: 4, weight: 0.25 }
  ]);
  expect(segmentsOf(layer({}), 1)).toBeNull();
  expect(chipText(layer({}), 0)).toBe('layer 1: 7 (0.75), 4 (0.25)');
  expect(chipText(layer({ weights: new Float32Array(0) }), 0)).toBe(
    'layer 1: 4, 7'
  );
});

it('leaves room for the digits of all numbers', () => {
  expect(chipWidth([])).toBe(72);
  expect(chipWidth([layer({})])).toBe(72);
  // Four numbers of two digits, then of three; of eight choices three are drawn, and a count.
  const wide = [64, 256].map(experts =>
    chipWidth([layer({ experts, topK: 4 })])
  );
  expect(wide[0]).toBeGreaterThan(72);
  expect(wide[1]).toBeGreaterThan(wide[0]);
  expect(chipWidth([layer({ experts: 256, topK: 8 })])).toBe(wide[1]);
});
