import type { RoutingLayer } from '../../base/protocol';
import type { Convention, Router } from '../../routing/convention';
import { reachOf } from './reach';

const layer = {
  topK: 2,
  // Token 1 gives expert 3 no weight, as if dropped over capacity.
  selected: Int32Array.of(0, 1, 3, 1, 3, 0),
  weights: Float32Array.of(0.5, 0.5, 0, 1, 0.25, 0.75)
};
const mixtral: Convention = {
  score: 'softmax',
  scoreBeforeTopK: true,
  renormalized: true
};

function reach(
  expert: number,
  mode: 'mask' | 'drop',
  convention: Convention = mixtral,
  more: Partial<RoutingLayer> = {},
  kept?: string
) {
  return reachOf(
    {
      convention,
      tensors: {
        logits: '',
        logitsAre: 'logits',
        selected: null,
        weights: null,
        kept
      }
    } as Pick<Router, 'convention' | 'tensors'>,
    { ...layer, ...more },
    expert,
    mode
  );
}

it('begins at the first token that selects the expert', () => {
  expect(reach(1, 'mask')).toEqual({ tokens: 2, first: 0 });
  expect(reach(3, 'mask')).toEqual({ tokens: 2, first: 1 });
  expect(reach(2, 'mask')).toEqual({ tokens: 0, first: undefined });
});

it('excludes tokens whose weight is already zero', () => {
  expect(reach(3, 'drop')).toEqual({ tokens: 2, first: 2 });
});

it('covers everything where weights are normalised over all experts', () => {
  const olmoe = { ...mixtral, renormalized: false };
  expect(reach(2, 'mask', olmoe)).toEqual({ tokens: 0, first: 0 });
  expect(reach(2, 'drop', olmoe).first).toBeUndefined();
  expect(
    reach(2, 'mask', {
      score: 'sigmoid',
      scoreBeforeTopK: true,
      renormalized: false
    }).first
  ).toBeUndefined();
  expect(
    reach(2, 'mask', {
      score: 'softmax',
      scoreBeforeTopK: false,
      renormalized: false
    }).first
  ).toBeUndefined();
  expect(
    reach(2, 'mask', {
      ...mixtral,
      groups: { count: 2, selected: 1, score: 'max' }
    }).first
  ).toBe(0);
});

it('extends backwards where capacity is shared, and from an encoder to the whole decoder', () => {
  expect(reach(3, 'drop', { ...mixtral, capacity: 2 }).first).toBe(0);
  expect(reach(3, 'drop', mixtral, {}, 'kept').first).toBe(0);
  expect(reach(3, 'drop', mixtral, { stack: 'encoder' }).first).toBe(0);
});
