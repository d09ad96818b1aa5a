import { extractBuffers, insertBuffers } from './buffers';
import {
  NOT_ROUTED,
  decodeTokenPage,
  encodeTokenPage,
  type TokenPage
} from './token-page';

const PAGE: TokenPage = {
  total: 9,
  matches: 2,
  problems: [{ at: 0, length: 3, message: 'what?' }],
  from: 4,
  rows: [
    { position: 1, id: 5, text: 'a', sample: 0, index: 4 },
    { position: 2, id: -1, sample: 1, stack: 'encoder', index: 7 }
  ],
  layers: [
    {
      layer: 3,
      experts: 4,
      topK: 2,
      score: 'softmax',
      selected: Int32Array.of(0, 3, NOT_ROUTED, NOT_ROUTED),
      weights: Float32Array.of(0.75, 0.25, 0, 0),
      margins: Float32Array.of(0.5, NaN),
      next: Int32Array.of(1, -1),
      nearMiss: 0.1
    }
  ]
};

/** As a message carries it. */
function sent(page: TokenPage = PAGE): Record<string, unknown> & {
  rows: Record<string, unknown>[];
  layers: Record<string, unknown>[];
} {
  const { state, bufferPaths, buffers } = extractBuffers(encodeTokenPage(page));
  const copy = JSON.parse(JSON.stringify(state)) as ReturnType<typeof sent>;
  insertBuffers(copy, bufferPaths, buffers);
  return copy;
}

it('is the same after a message', () => {
  expect(decodeTokenPage(sent())).toEqual(PAGE);
  const bare = {
    ...PAGE,
    layers: [
      {
        ...PAGE.layers[0],
        weights: new Float32Array(0),
        margins: new Float32Array(0),
        next: new Int32Array(0)
      }
    ]
  };
  expect(decodeTokenPage(sent(bare))).toEqual(bare);
});

it.each<[string, (page: ReturnType<typeof sent>) => void, RegExp]>([
  [
    'an expert that does not exist',
    page => (page.layers[0].experts = 3),
    /layers\[0\] names expert 3 of 3/
  ],
  [
    'a next expert that does not exist',
    page =>
      (page.layers[0].next = {
        ...(page.layers[0].next as object),
        data: Int32Array.of(1, -2)
      }),
    /layers\[0\] names expert -2 of 4/
  ],
  [
    'arrays of another length',
    page => page.rows.pop(),
    /layers\[0\].selected has shape \[2,2\], expected \[1,2\]/
  ],
  [
    'a row without a sample',
    page => (page.rows[1].sample = -1),
    /rows\[1\].sample is not a count/
  ],
  [
    'an unknown stack',
    page => (page.rows[1].stack = 'both'),
    /rows\[1\].stack is not one of/
  ],
  [
    'margins without the next experts',
    page => delete page.layers[0].next,
    /layers\[0\].next is not a int32 array/
  ],
  [
    'no list of rows',
    page => (page.rows = null as never),
    /rows is not a list/
  ],
  [
    'a threshold that is no number',
    page => (page.layers[0].nearMiss = 'x'),
    /layers\[0\].nearMiss is not a number/
  ]
])('refuses %s', (_, change, message) => {
  const page = sent();
  change(page);
  expect(() => decodeTokenPage(page)).toThrow(message);
});
