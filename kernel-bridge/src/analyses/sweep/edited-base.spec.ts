import type { Router } from '../../routing/convention';
import type { Edits } from '../../run/edits/edits';
import { overrulesChoice, withAblation } from './edited-base';

const routers = [{ layer: 0 }, { layer: 1 }] as Router[];
const place = { layer: 1 };
const ablated = (base: Edits, expert: number, mode: 'mask' | 'drop' = 'mask') =>
  withAblation(base, routers, 1, { place, expert, mode });

it('puts an ablation beside the edits of other experts and layers', () => {
  const base: Edits = {
    ablate: [
      { layer: 0, expert: 3 },
      { layer: 1, expert: 4, mode: 'drop' }
    ],
    topK: 1
  };
  expect(ablated(base, 3)).toMatchObject({
    ablate: [...base.ablate!, { layer: 1, expert: 3, mode: 'mask' }],
    topK: 1
  });
});

it('leaves out edits of the same expert, which mean nothing then', () => {
  const base: Edits = {
    ablate: [
      { layer: 1, expert: 3, mode: 'swap', to: 5 },
      { layer: 1, expert: 3, tokens: [0, 2] }
    ],
    bias: [
      { layer: 1, expert: 3, value: 1 },
      { layer: 0, expert: 3, value: 1 }
    ],
    selectionBias: [
      { layer: 1, expert: 3, value: 1 },
      { layer: 1, expert: 4, value: 1 }
    ],
    scale: [{ layer: 1, expert: 3, factor: 2 }]
  };
  expect(ablated(base, 3)).toEqual({
    ablate: [{ layer: 1, expert: 3, mode: 'mask' }],
    bias: [{ layer: 0, expert: 3, value: 1 }],
    selectionBias: [{ layer: 1, expert: 4, value: 1 }],
    scale: []
  });
  // What is dropped is chosen all the same, by its bias too.
  expect(ablated(base, 3, 'drop')).toMatchObject({
    bias: base.bias,
    selectionBias: base.selectionBias
  });
});

it.each<[string, Edits]>([
  ['ablated', { ablate: [{ layer: 1, expert: 3, mode: 'drop' }] }],
  ['forced', { force: [{ layer: 1, expert: 3, tokens: [1, 2] }] }],
  [
    'run in place of another',
    { ablate: [{ layer: 1, expert: 2, mode: 'swap', to: 3 }] }
  ]
])('has nothing for an expert that is %s', (_, base) => {
  expect(ablated(base, 3)).toBeUndefined();
  expect(ablated(base, 4)).toBeDefined();
});

it('has nothing for any expert where another one is forced for all tokens', () => {
  expect(ablated({ force: [{ layer: 1, expert: 3 }] }, 4)).toBeUndefined();
  expect(
    ablated({ force: [{ layer: 1, expert: 3, tokens: [0] }] }, 4)
  ).toBeUndefined();
  expect(ablated({ force: [{ layer: 0, expert: 3 }] }, 4)).toBeDefined();
});

it('tells where the choice does not decide what runs', () => {
  const base: Edits = {
    force: [{ layer: 0, expert: 3 }],
    ablate: [{ layer: 1, expert: 2 }]
  };
  expect(overrulesChoice(base, routers, 0)).toBe(true);
  expect(overrulesChoice(base, routers, 1)).toBe(false);
});
