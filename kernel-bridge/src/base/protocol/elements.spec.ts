import {
  decodeExpertElement,
  decodeModelElement,
  type ExpertElement,
  type ModelElement
} from '.';

const LEAF: ModelElement = {
  kind: 'router',
  name: 'router',
  parameters: 8,
  bytes: 32,
  stored: [{ bits: 32, quantized: false, parameters: 8 }],
  facts: [['chooses', '2 of 4 experts']],
  router: 0,
  place: { layer: 1, stack: 'decoder', module: 'mlp' },
  children: []
};

const EXPERT: ExpertElement = {
  model: 'm',
  layer: 0,
  experts: 2,
  topK: 1,
  score: 'softmax',
  expert: 1,
  weights: [
    {
      tensor: 'w',
      role: 'up',
      shape: [2, 2],
      bits: 32,
      quantized: false,
      elements: 4,
      nonFinite: 0,
      zeros: 0,
      norm: 2,
      mean: 1,
      deviation: 0,
      min: 1,
      max: 1,
      histogram: [4],
      spectrum: [2, 0],
      effectiveRank: 1
    }
  ],
  likeness: [0.5, null],
  notes: []
};

const nested = (depth: number): ModelElement =>
  depth === 0 ? LEAF : { ...LEAF, children: [nested(depth - 1)] };

it('keeps what is valid', () => {
  expect(decodeModelElement(nested(3))).toEqual(nested(3));
  expect(decodeExpertElement(EXPERT)).toEqual(EXPERT);
  expect(
    decodeExpertElement({ ...EXPERT, likeness: null }).likeness
  ).toBeNull();
});

it.each<[string, unknown, RegExp]>([
  ['a kind that is none', { ...LEAF, kind: 'x' }, /element\.kind/],
  ['a negative size', { ...LEAF, parameters: -1 }, /element\.parameters/],
  ['facts that are no pairs', { ...LEAF, facts: [['a']] }, /facts\[0\]/],
  ['a place without a layer', { ...LEAF, place: {} }, /place\.layer/],
  ['a tree that never ends', nested(20), /too large/],
  [
    'a tree of very many parts',
    { ...LEAF, children: new Array(20_001).fill(LEAF) },
    /children|too large/
  ]
])('refuses %s', (_, value, message) => {
  expect(() => decodeModelElement(value)).toThrow(message);
});

it.each<[string, unknown, RegExp]>([
  ['an expert beyond the last', { ...EXPERT, expert: 2 }, /expert\.expert/],
  [
    'a norm that is no number',
    { ...EXPERT, weights: [{ ...EXPERT.weights[0], norm: 'x' }] },
    /weights\[0\]\.norm/
  ],
  [
    'a histogram of very many bins',
    {
      ...EXPERT,
      weights: [{ ...EXPERT.weights[0], histogram: new Array(5000).fill(0) }]
    },
    /histogram/
  ]
])('refuses %s', (_, value, message) => {
  expect(() => decodeExpertElement(value)).toThrow(message);
});
