import { AttentionRecord } from './attention-record';
import type { AttentionLayer } from './attention-data';

/** Two heads over three tokens; each probability says which attention it is of. */
function layer(
  value: number,
  place: Partial<AttentionLayer> = {}
): AttentionLayer {
  return {
    layer: 0,
    kind: 'self',
    heads: 2,
    queries: 3,
    keys: 3,
    sinks: false,
    probabilities: new Float32Array(18).fill(value),
    ...place
  };
}

const record = (...layers: AttentionLayer[]): AttentionRecord =>
  new AttentionRecord({
    tokens: [1, 2, 3].map(id => ({ id, position: id - 1 })),
    layers,
    unknown: []
  });

it('refuses a layer of several attentions unless it is told which', () => {
  const encoderDecoder = record(
    layer(0.1, { stack: 'encoder' }),
    layer(0.2, { stack: 'decoder' }),
    layer(0.3, { stack: 'decoder', kind: 'cross' })
  );
  expect(() => encoderDecoder.head({ layer: 0, head: 1 })).toThrow(
    /layer 0 has more than one attention \(head 1\): say by stack, kind or nth which of encoder self nth 0, decoder self nth 1, decoder cross nth 2/
  );
  expect(() =>
    encoderDecoder.figure({ layer: 0, head: 1, stack: 'decoder' })
  ).toThrow(/more than one attention/);
  const [first] = encoderDecoder.head({ layer: 0, head: 1, kind: 'cross' })!;
  expect(first).toBeCloseTo(0.3);
});

it('counts attentions of one block that nothing else tells apart', () => {
  const twice = record(layer(0.1), layer(0.2));
  expect(() => twice.head({ layer: 0, head: 0 })).toThrow(/more than one/);
  expect(twice.head({ layer: 0, head: 0, nth: 1 })![0]).toBeCloseTo(0.2);
  expect(twice.head({ layer: 0, head: 0, nth: 2 })).toBeUndefined();
  expect(twice.head({ layer: 0, head: 2, nth: 1 })).toBeUndefined();
});
