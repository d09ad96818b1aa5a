import {
  decodeOutline,
  encodeOutline,
  extractBuffers,
  insertBuffers,
  type RoutingSample
} from '../../base/protocol';
import { traceOutline } from './trace-outline';

const sample = (
  id: string,
  domain: string | undefined,
  selected: number[]
): RoutingSample => ({
  id,
  ...(domain === undefined ? {} : { domain }),
  tokens: Array.from({ length: selected.length / 2 }, (_, position) => ({
    position,
    id: position
  })),
  layers: [
    {
      layer: 3,
      experts: 3,
      topK: 2,
      score: 'softmax',
      logitsAre: 'logits',
      selected: Int32Array.from(selected),
      weights: new Float32Array(0),
      logits: new Float32Array(0)
    }
  ]
});

const SAMPLES = [
  sample('a', 'x', [0, 1, 0, 1]),
  sample('b', 'y', [2, 0]),
  sample('c', undefined, [1, 2]),
  sample('d', 'x', [0, -1])
];

it('counts the choices of each expert, over all text and by domain', () => {
  const { routers, ...outline } = traceOutline('m', SAMPLES);
  expect(outline).toEqual({
    model: 'm',
    tokens: 5,
    samples: [
      { id: 'a', domain: 'x', tokens: 2 },
      { id: 'b', domain: 'y', tokens: 1 },
      { id: 'c', tokens: 1 },
      { id: 'd', domain: 'x', tokens: 1 }
    ],
    samplesOmitted: 0,
    domains: ['x', 'y'],
    known: {
      weights: false,
      logits: false,
      tokenIds: true,
      texts: false,
      domains: true
    }
  });
  expect(routers).toHaveLength(1);
  const [router] = routers;
  expect(router).toMatchObject({ layer: 3, experts: 3, topK: 2, tokens: 5 });
  expect([...router.counts]).toEqual([4, 3, 2]);
  expect([...router.domainTokens]).toEqual([3, 1]);
  expect([...router.domainCounts]).toEqual([3, 2, 0, 1, 0, 1]);
  // (4 + 3 + 2)^2 / (3 * (16 + 9 + 4))
  expect(router.balance).toBeCloseTo(81 / 87, 12);
});

it('is the same after a message', () => {
  const outline = traceOutline('m', SAMPLES);
  const { state, bufferPaths, buffers } = extractBuffers(
    encodeOutline(outline)
  );
  const copy = JSON.parse(JSON.stringify(state)) as unknown;
  insertBuffers(copy, bufferPaths, buffers);
  expect(decodeOutline(copy)).toEqual(outline);
});

it('has no balance without tokens', () => {
  const [router] = traceOutline('m', [sample('a', 'x', [])]).routers;
  expect(router.balance).toBeNull();
});

it('lists the first of very many samples', () => {
  const many = Array.from({ length: 10_003 }, (_, i) =>
    sample(String(i), undefined, [0, 1])
  );
  const outline = traceOutline('m', many);
  expect([outline.samples.length, outline.samplesOmitted]).toEqual([10_000, 3]);
  expect(outline.tokens).toBe(10_003);
});
