import { sameTokens } from './same-tokens';

/** Three tokens of three experts each. */
const LAYER = {
  topK: 3,
  selected: Int32Array.of(0, 1, 2, 3, 0, 1, 1, 0, 4),
  weights: Float32Array.of(0.5, 0.25, 0.25, 0.5, 0.375, 0.125, 0.5, 0.25, 0.25)
};

it('takes the selected expert of nearest weight at each token', () => {
  // Token 0: 1 or 2, both 0.25; token 1: 3 (0.5) is nearer to 0.375 than 1 (0.125); token 2: 4 has the same weight.
  expect(sameTokens(LAYER, 0)).toEqual({
    ablate: [
      { expert: 1, tokens: [0, 1] },
      { expert: 3, tokens: [1, 2] },
      { expert: 4, tokens: [2, 3] }
    ],
    weight: 1 / 1.125,
    scale: 1.125
  });
});

it('joins tokens in a row', () => {
  const layer = {
    topK: 2,
    selected: Int32Array.of(0, 1, 1, 0, 0, 2),
    weights: Float32Array.of(0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
  };
  expect(sameTokens(layer, 0)!.ablate).toEqual([
    { expert: 1, tokens: [0, 2] },
    { expert: 2, tokens: [2, 3] }
  ]);
});

it('makes up for no more than twice the weight', () => {
  const layer = (own: number) => ({
    topK: 2,
    selected: Int32Array.of(0, 1),
    weights: Float32Array.of(own, 1 - own)
  });
  expect(sameTokens(layer(0.875), 0)).toMatchObject({
    weight: 1 / 7,
    scale: 2
  });
  expect(sameTokens(layer(0.125), 0)).toMatchObject({ weight: 7, scale: 0.5 });
});

it('has none where a token has no other expert, or one that cannot be ablated', () => {
  const alone = {
    topK: 1,
    selected: Int32Array.of(0, 1),
    weights: Float32Array.of(1, 1)
  };
  expect(sameTokens(alone, 0)).toBeUndefined();
  expect(sameTokens(LAYER, 7)).toBeUndefined();
  expect(sameTokens(LAYER, 3, other => other > 1)).toBeUndefined();
  const skipped = {
    topK: 2,
    selected: Int32Array.of(0, -1),
    weights: Float32Array.of(1, 0)
  };
  expect(sameTokens(skipped, 0)).toBeUndefined();
});
