import type { EditRecord } from './edits';
import { editText } from './edit-text';

it.each<[object, string]>([
  [
    { kind: 'ablate', mode: 'mask', expert: 5, layer: 3, tokens: [4] },
    'ablate expert 5 of layer 3 by mask, from token 4 on'
  ],
  [
    { kind: 'ablate', mode: 'swap', expert: 5, to: 1, layer: 3 },
    'ablate expert 5 of layer 3 by swap to expert 1'
  ],
  [{ kind: 'blend', layer: 2 }, 'blend in layer 2'],
  [{ kind: 'toString', layer: 2 }, 'toString in layer 2'],
  [
    { kind: 'force', expert: 2, layer: 0, tokens: [4, 5] },
    'force expert 2 of layer 0, at token 4'
  ],
  [
    { kind: 'topK', k: 1, layer: 0, tokens: [4, 7] },
    'top-1 of layer 0, at tokens 4 to 6'
  ],
  [
    { kind: 'bias', expert: 2, value: -0.5, layer: 1 },
    'add -0.5 to expert 2 of layer 1'
  ],
  [
    { kind: 'selectionBias', expert: 2, value: 3, layer: 1 },
    'add 3 to what expert 2 of layer 1 is selected by'
  ],
  [
    { kind: 'scale', expert: 2, value: 0, layer: 1, stack: 'encoder' },
    'multiply expert 2 of encoder layer 1 by 0'
  ],
  [
    { kind: 'steer', layer: 1, norm: 12.3456 },
    'steer layer 1 by a vector of length 12.3'
  ],
  [
    { kind: 'steer', layer: 1, norm: 2, scale: -3 },
    'steer layer 1 by a vector of length 2.00 times -3'
  ]
])('says %j', (edit, text) => {
  expect(editText(edit as EditRecord)).toBe(text);
});
