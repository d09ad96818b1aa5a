import { nullTranslator } from '@jupyterlab/translation';
import { layer, sample } from '../testing/documents';
import { coverageOf, coverageText } from './coverage';

const trans = nullTranslator.load('');

describe('coverageText', () => {
  const samples = [sample('a')];

  it('counts slots and dropped slots', () => {
    expect(coverageOf(samples)).toEqual({
      layersCaptured: 2,
      tokens: 3,
      slots: 12
    });
    expect(coverageText(coverageOf(samples), samples, trans)).toBe(
      '2 MoE layers, 3 tokens, 12 slots = k × tokens, checked, 2 slots dropped'
    );
  });

  it("says how many of the model's layers were captured", () => {
    const full = [sample('a', [layer(0, { selected: new Int32Array(6) })])];
    expect(
      coverageText(
        { moeLayers: 6, layersCaptured: 1, tokens: 3, slots: 6 },
        full,
        trans
      )
    ).toBe('1 of 6 MoE layers, 3 tokens, 6 slots = k × tokens, checked');
  });

  it('says when only a part of the capture is shown', () => {
    expect(
      coverageText(
        { moeLayers: 2, layersCaptured: 2, tokens: 30, slots: 120 },
        samples,
        trans
      )
    ).toContain('120 slots captured, 12 shown here');
  });
});
