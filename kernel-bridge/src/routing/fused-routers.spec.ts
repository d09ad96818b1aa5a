/**
 * Fused operators and what exporters put around them. Each model is run beside one in plain operators with the same
 * weights, whose routing is written out: they return the same, and the trace has the plain one's routing.
 */
import { saveModel, GraphBuilder } from '../../test/graph-builder';
import { loadModel } from '../api/load-model';
import { inspectModel } from '../run/model/structure';

const [EXPERTS, HIDDEN, INNER, VOCABULARY, K] = [8, 16, 6, 40, 2];
const IDS = [4, 8, 15, 16, 23, 2, 7, 1, 30, 11];
const LAST = { axis: -1 };
/** Exact in float32. */
const BIAS = [0.25, -0.25, 0.125, 0, -0.125, 0.1875, -0.3125, 0.0625];

interface Layer {
  b: GraphBuilder;
  /** [tokens, hidden] */
  x: string;
  /** [tokens, experts] */
  logits: string;
  fc1: string;
  fc2: string;
}

/** What a layer adds to its input, [tokens, hidden]. */
type Write = (layer: Layer) => string;

function decoder(
  write: Write,
  branch?: (b: GraphBuilder, x: string) => string
) {
  const b = new GraphBuilder({ seed: 5 });
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const table = b.weight([VOCABULARY, HIDDEN]);
  let stream = b.op('Gather', [table, ids]);
  for (let layer = 0; layer < 2; layer++) {
    if (branch) {
      stream = b.op('Add', [stream, branch(b, stream)]);
    }
    const x = b.op('Reshape', [stream, b.ints([-1, HIDDEN])]);
    const gate = b.weight([HIDDEN, EXPERTS], 1.5);
    const fc1 = b.weight([EXPERTS, INNER, HIDDEN]);
    const fc2 = b.weight([EXPERTS, HIDDEN, INNER]);
    const logits = b.op('MatMul', [x, gate]);
    const added = write({ b, x, logits, fc1, fc2 });
    stream = b.op('Add', [
      stream,
      b.op('Reshape', [added, b.op('Shape', [stream])])
    ]);
  }
  const out = b.weight([HIDDEN, VOCABULARY]);
  b.nodes.push({
    opType: 'MatMul',
    input: [stream, out],
    output: ['logits'],
    attribute: []
  });
  b.output('logits', 'float', ['batch', 'sequence', VOCABULARY]);
  return b.build();
}

const one = (b: GraphBuilder, value: number): string => b.floats([value], []);
const sum = (b: GraphBuilder, x: string): string =>
  b.over('ReduceSum', x, [-1], { keepdims: 1 });

/** All experts, weighted: [tokens, k] experts and weights. */
function plainExperts(
  { b, x, logits, fc1, fc2 }: Layer,
  selected: string,
  weights: string
): string {
  const dense = b.op(
    'ScatterElements',
    [b.op('ConstantOfShape', [b.op('Shape', [logits])]), selected, weights],
    { axis: 1 }
  );
  const flipped = (weight: string): string =>
    b.op('Transpose', [weight], { perm: [0, 2, 1] });
  const inner = b.op('Relu', [
    b.op('MatMul', [b.over('Unsqueeze', x, [0]), flipped(fc1)])
  ]);
  const each = b.op('MatMul', [inner, flipped(fc2)]);
  const factors = b.over(
    'Unsqueeze',
    b.op('Transpose', [dense], { perm: [1, 0] }),
    [-1]
  );
  return b.over('ReduceSum', b.op('Mul', [each, factors]), [0], {
    keepdims: 0
  });
}

const fused = (
  { b, x, fc1, fc2 }: Layer,
  router: string,
  normalize: number
): string =>
  b.op('com.microsoft.MoE', [x, router, fc1, '', fc2], {
    k: K,
    activation_type: 'relu',
    normalize_routing_weights: normalize
  });

/** The choice by sigmoid and bias, and the scores of the chosen. */
function biasedChoice(
  { b, logits }: Layer,
  scores = b.op('Sigmoid', [logits])
) {
  const [, selected] = b.many(
    'TopK',
    [b.op('Add', [scores, b.floats(BIAS)]), b.ints([K])],
    2
  );
  return {
    scores,
    selected,
    chosen: b.op('GatherElements', [scores, selected], LAST)
  };
}

/** The logarithms of the chosen scores, scattered over -10000. */
function scattered(
  { b, logits }: Layer,
  selected: string,
  values: string
): string {
  const low = b.op('Expand', [
    b.floats([-1e4], [1, 1]),
    b.op('Shape', [logits])
  ]);
  return b.op('ScatterElements', [low, selected, values], { axis: 1 });
}

const logarithm = (b: GraphBuilder, x: string): string =>
  b.op('Log', [b.op('Clip', [x, one(b, 1e-30)])]);

const plain =
  (weigh: (layer: Layer, chosen: string) => string): Write =>
  layer => {
    const { selected, chosen } = biasedChoice(layer);
    return plainExperts(layer, selected, weigh(layer, chosen));
  };

const shares = ({ b }: Layer, chosen: string): string =>
  b.op('Div', [chosen, sum(b, chosen)]);

/** The softmax of all, and its best. */
const plainSoftmax =
  (factor: number, divided: boolean): Write =>
  layer => {
    const { b, logits } = layer;
    const [values, selected] = b.many(
      'TopK',
      [b.op('Softmax', [logits], LAST), b.ints([K])],
      2
    );
    const weights = divided ? shares(layer, values) : values;
    return plainExperts(
      layer,
      selected,
      b.op('Mul', [weights, one(b, factor)])
    );
  };

const forms: {
  name: string;
  write: Write;
  plain: Write;
  convention: object;
  /** Why it is not written in plain operators. */
  refusal?: RegExp;
}[] = [
  {
    name: 'log scores of a choice by sigmoid and bias, scattered over -10000',
    write: layer => {
      const { selected, chosen } = biasedChoice(layer);
      const values = logarithm(layer.b, chosen);
      return fused(layer, scattered(layer, selected, values), 1);
    },
    plain: plain(shares),
    convention: { score: 'sigmoid', renormalized: true, selectionBias: BIAS }
  },
  {
    name: 'log scores of a spelled sigmoid',
    write: layer => {
      const { b, logits } = layer;
      const scores = b.op('Reciprocal', [
        b.op('Add', [b.op('Exp', [b.op('Neg', [logits])]), one(b, 1)])
      ]);
      const { selected, chosen } = biasedChoice(layer, scores);
      const values = logarithm(b, chosen);
      return fused(layer, scattered(layer, selected, values), 1);
    },
    plain: plain(shares),
    convention: { score: 'sigmoid', renormalized: true, selectionBias: BIAS }
  },
  {
    name: 'log scores of all, masked where none was chosen',
    write: layer => {
      const { b, logits } = layer;
      const { scores, selected } = biasedChoice(layer);
      const none = b.op('ConstantOfShape', [b.op('Shape', [logits])]);
      const ones = b.op('Expand', [
        b.floats([1], [1, 1]),
        b.op('Shape', [selected])
      ]);
      const mask = b.op(
        'Cast',
        [b.op('ScatterElements', [none, selected, ones], { axis: 1 })],
        { to: 9 }
      );
      const router = b.op('Where', [
        mask,
        logarithm(b, scores),
        b.floats([-1e4], [1, 1])
      ]);
      return fused(layer, router, 1);
    },
    plain: plain(shares),
    convention: { score: 'sigmoid', renormalized: true, selectionBias: BIAS }
  },
  {
    name: 'log scores, and an output times their sum and a factor',
    write: layer => {
      const { b } = layer;
      const { selected, chosen } = biasedChoice(layer);
      const values = logarithm(b, chosen);
      const output = fused(layer, scattered(layer, selected, values), 1);
      return b.op('Mul', [b.op('Mul', [output, sum(b, chosen)]), one(b, 2.5)]);
    },
    plain: plain(({ b }, chosen) => b.op('Mul', [chosen, one(b, 2.5)])),
    convention: {
      score: 'sigmoid',
      renormalized: false,
      outputScale: 2.5,
      selectionBias: BIAS
    },
    refusal: /sum of its scores/
  },
  {
    name: 'no-ops before the operator',
    write: layer => {
      const { b, logits } = layer;
      const like = b.op('CastLike', [
        b.op('Identity', [logits]),
        b.floats([0])
      ]);
      return fused(layer, b.op('Mul', [like, one(b, 1)]), 1);
    },
    plain: plainSoftmax(1, true),
    convention: { score: 'softmax', renormalized: true }
  },
  {
    name: 'a factor after the operator',
    write: layer =>
      layer.b.op('Mul', [fused(layer, layer.logits, 0), one(layer.b, 1.75)]),
    plain: plainSoftmax(1.75, false),
    convention: { score: 'softmax', renormalized: false, outputScale: 1.75 }
  },
  {
    name: 'a LogSoftmax before the operator',
    write: layer =>
      fused(layer, layer.b.op('LogSoftmax', [layer.logits], LAST), 1),
    plain: plainSoftmax(1, true),
    convention: { score: 'softmax', renormalized: true }
  }
];

async function traced(write: Write, branch?: Parameters<typeof decoder>[1]) {
  const model = await loadModel(saveModel(decoder(write, branch)));
  const trace = await model.trace(IDS, { logits: 'all' });
  const layers = trace.samples[0].layers;
  const outputs = [...trace.outputLogits.values()][0].data;
  const cards = model.layers;
  await model.dispose();
  return {
    cards,
    outputs,
    layers: layers.map(({ logits, selected, weights }) => ({
      logits,
      chosen: IDS.map((_, t) =>
        Array.from({ length: K }, (_, i): [number, number] => [
          selected[t * K + i],
          weights[t * K + i]
        ]).sort(([a], [b]) => a - b)
      )
    }))
  };
}

function expectClose(own: ArrayLike<number>, wanted: ArrayLike<number>) {
  expect(own.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    expect(own[i]).toBeCloseTo(wanted[i], 3);
  }
}

describe.each(forms)(
  '$name',
  ({ write, plain: written, convention, refusal }) => {
    it('is one router a layer that routes as the plain model does', async () => {
      const [own, expected] = [await traced(write), await traced(written)];
      // The two models compute the same.
      expectClose(own.outputs, expected.outputs);
      expect(own.cards).toHaveLength(2);
      expect(own.cards).toMatchObject([convention, convention]);
      own.layers.forEach(({ logits, chosen }, i) => {
        expectClose(logits, expected.layers[i].logits);
        chosen.forEach((slots, t) =>
          slots.forEach(([expert, weight], slot) => {
            const [other, wanted] = expected.layers[i].chosen[t][slot];
            expect(expert).toBe(other);
            expect(weight).toBeCloseTo(wanted, 4);
          })
        );
      });
    });

    it('takes edits of its experts in plain operators', async () => {
      const edits = {
        ablate: [{ layer: 0, expert: 2, mode: 'drop' as const }]
      };
      const run = async (of: Write, rewriteFused: boolean) => {
        const model = await loadModel(saveModel(decoder(of)));
        const edited = model.with(edits, { rewriteFused });
        const trace = await edited.trace(IDS);
        const { weights } = (await model.trace(IDS)).samples[0].layers[0];
        await model.dispose();
        return { weights, edited: trace.samples[0].layers };
      };
      if (refusal !== undefined) {
        return expect(run(write, true)).rejects.toThrow(refusal);
      }
      const own = await run(write, true);
      const wanted = await run(written, false);
      const total = (values: Float32Array): number =>
        values.reduce((a, b) => a + b, 0);
      own.edited.forEach(({ weights }, i) =>
        expect(total(weights)).toBeCloseTo(total(wanted.edited[i].weights), 3)
      );
      expect(total(own.edited[0].weights)).toBeLessThan(total(own.weights));
    });

    it('takes edits of its own logits, as the plain model does', async () => {
      const run = async (of: Write): Promise<Float32Array> => {
        const model = await loadModel(saveModel(decoder(of)));
        const edited = model.with({
          bias: [{ layer: 0, expert: 2, value: 3 }]
        });
        const trace = await edited.trace(IDS, { logits: 'all' });
        await model.dispose();
        return [...trace.outputLogits.values()][0].data;
      };
      expectClose(await run(write), await run(written));
    });
  }
);

it('does not take a factor of the residual stream for one of the experts', async () => {
  const factor = 0.22;
  const write: Write = layer =>
    layer.b.op('Mul', [fused(layer, layer.logits, 1), one(layer.b, factor)]);
  const { cards } = await traced(write, (b, x) =>
    b.op('Mul', [
      b.op('MatMul', [x, b.weight([HIDDEN, HIDDEN])]),
      one(b, factor)
    ])
  );
  const moe = cards.filter(card => card.moe === true);
  expect(moe).toHaveLength(2);
  expect(moe.map(({ outputScale }) => outputScale)).toEqual([
    undefined,
    undefined
  ]);
});

const unread: Record<string, Write> = {
  'probabilities where the operator takes logits': layer =>
    fused(layer, layer.b.op('Softmax', [layer.logits], LAST), 1),
  'scores without their logarithm, scattered': layer => {
    const { selected, chosen } = biasedChoice(layer);
    return fused(layer, scattered(layer, selected, chosen), 1);
  },
  'an output times something else of each token': layer =>
    layer.b.op('Mul', [
      fused(layer, layer.logits, 1),
      layer.b.op('Sigmoid', [
        layer.b.op('MatMul', [layer.x, layer.b.weight([HIDDEN, 1])])
      ])
    ])
};

describe.each(Object.entries(unread))('%s', (_, write) => {
  it('is left out by name, and not called dense', () => {
    const folder = saveModel(decoder(write));
    const { layers, warnings } = inspectModel(folder);
    expect(layers.map(({ moe }) => moe)).toEqual([null, null]);
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toContain('com.microsoft.MoE');
  });
});

describe('QMoE with weights of its own', () => {
  /** The card of a model whose weights are what `weigh` makes of the scores; it is not run. */
  const cardOf = (
    weigh: (b: GraphBuilder, scores: string) => string,
    normalize: number
  ) => {
    const proto = decoder(({ b, x, logits }) => {
      const scores = b.op('Sigmoid', [logits]);
      const choice = b.op('Add', [scores, b.floats(BIAS)]);
      const bytes = b.int8([EXPERTS, INNER, HIDDEN / 2]);
      const scales = b.weight([EXPERTS, INNER]);
      const down = b.int8([EXPERTS, HIDDEN, INNER / 2]);
      return b.op(
        'com.microsoft.QMoE',
        [
          x,
          b.op('CastLike', [choice, x]),
          bytes,
          scales,
          '',
          down,
          b.weight([EXPERTS, HIDDEN]),
          ...Array.from({ length: 7 }, () => ''),
          weigh(b, scores)
        ],
        { k: K, expert_weight_bits: 4, normalize_routing_weights: normalize }
      );
    });
    return inspectModel(saveModel(proto)).layers;
  };

  it.each([
    ['a factor', 0, { scale: 2.5, renormalized: false }],
    // It is in the sum that divides the weights too.
    ['a factor that the division takes out', 1, { renormalized: true }]
  ])('reads %s', (_, normalize, convention) => {
    const cards = cardOf(
      (b, scores) =>
        b.op('CastLike', [b.op('Mul', [scores, one(b, 2.5)]), scores]),
      normalize
    );
    expect(cards).toHaveLength(2);
    for (const card of cards) {
      expect(card).toMatchObject({
        score: 'sigmoid',
        selectionBias: BIAS,
        ...convention
      });
      expect('scale' in card).toBe(normalize === 0);
    }
  });

  it('reads factors of experts, and leaves out those inside a division', () => {
    const factors = Array.from({ length: EXPERTS }, (_, e) => 1 + e / 4);
    const scaled = (b: GraphBuilder, scores: string): string =>
      b.op('Mul', [scores, b.floats(factors)]);
    expect(cardOf(scaled, 0)).toMatchObject([
      { expertScale: factors },
      { expertScale: factors }
    ]);
    expect(cardOf(scaled, 1)).toMatchObject([{ moe: null }, { moe: null }]);
  });
});
