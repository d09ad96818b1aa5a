/**
 * Weights that a convention computes, against what the layer adds. Each convention is read as it is, and then as another:
 * only the graph, run by onnxruntime, tells them apart.
 */
import type { GraphBuilder } from '../../../test/graph-builder';
import { tinyMoE, type RouterWriter, type Sizes } from '../../../test/tiny-moe';
import { loadModel, type MoEModel } from '../..';
import type { Convention, RouterMatch } from '../../routing/convention';

/** What every router's convention is changed by, after it was read. */
let mockTwist: Partial<Convention> = {};
jest.mock('../../routing/patterns', () => {
  const { patterns } = jest.requireActual<{
    patterns: { match: (...given: unknown[]) => RouterMatch | undefined }[];
  }>('../../routing/patterns');
  const { equalWeights } = jest.requireActual(
    '../../../test/recipes/equal-weights'
  );
  return {
    patterns: [...patterns, equalWeights].map(pattern => ({
      ...pattern,
      match(...given: unknown[]) {
        const found = pattern.match(...given);
        return (
          found && {
            ...found,
            convention: { ...found.convention, ...mockTwist }
          }
        );
      }
    }))
  };
});

const IDS = [3, 14, 15, 9, 26, 5];
const models: MoEModel[] = [];
afterAll(() => Promise.all(models.map(model => model.dispose())));

async function load(path: string, twist: typeof mockTwist): Promise<MoEModel> {
  mockTwist = twist;
  const model = await loadModel(path);
  models.push(model);
  return model;
}

/** The router's logits in front of a fused operator. */
const fused =
  (normalize: 0 | 1, topK: number) =>
  (b: GraphBuilder, x: string, { experts, hidden, intermediate }: Sizes) =>
    b.op(
      'com.microsoft.MoE',
      [
        x,
        b.op('MatMul', [x, b.weight([hidden, experts], 2)]),
        b.weight([experts, intermediate, hidden]),
        '',
        b.weight([experts, hidden, intermediate])
      ],
      { k: topK, activation_type: 'relu', normalize_routing_weights: normalize }
    );

/** QMoE with weights of 4 bits; with `own`, it chooses by one input and weights by another. */
const quantised =
  (own: boolean) =>
  (
    b: GraphBuilder,
    x: string,
    { experts, hidden, intermediate: inner, topK }: Sizes
  ) => {
    const logits = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
    const scores = b.op('Sigmoid', [logits]);
    const scales = (out: number): string =>
      b.floats(
        Array.from({ length: experts * out }, () => 0.02 + b.random() / 50),
        [experts, out]
      );
    return b.op(
      'com.microsoft.QMoE',
      [
        x,
        own ? scores : logits,
        b.uint8([experts, 2 * inner, hidden / 2]),
        scales(2 * inner),
        '',
        b.uint8([experts, hidden, inner / 2]),
        scales(hidden),
        ...(own ? [...Array<string>(7).fill(''), scores] : [])
      ],
      {
        k: topK,
        activation_type: 'swiglu',
        expert_weight_bits: 4,
        normalize_routing_weights: 0,
        swiglu_fusion: 1
      }
    );
  };

/** The k best by their logits, each with the same weight, or with one for each slot. */
const unscored =
  (weights: number[]): RouterWriter =>
  (b, x, { experts, topK, hidden }) => {
    const logits = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
    const [, selected] = b.many('TopK', [logits, b.ints([topK])], 2);
    return {
      selected,
      weights: b.op('Expand', [
        b.floats(weights, [1, weights.length]),
        b.op('Shape', [selected])
      ])
    };
  };

const FORMS: [string, string, Partial<Convention>][] = [
  [
    'MoE, renormalised',
    tinyMoE({ mixture: fused(1, 2) }).save(),
    { renormalized: false }
  ],
  [
    'MoE, not renormalised',
    tinyMoE({ mixture: fused(0, 3) }).save(),
    { renormalized: true }
  ],
  [
    'MoE of softmax',
    tinyMoE({ mixture: fused(1, 2) }).save(),
    { score: 'sigmoid' }
  ],
  [
    'MoE of unequal weights',
    tinyMoE({ mixture: fused(1, 2) }).save(),
    { equalWeights: true }
  ],
  [
    'QMoE, softmax of the chosen',
    tinyMoE({ mixture: quantised(false) }).save(),
    { scoreBeforeTopK: true }
  ],
  [
    'QMoE with weights of its own',
    tinyMoE({ mixture: quantised(true) }).save(),
    { renormalized: true }
  ]
];

describe.each(FORMS)('%s', (_, path, wrong) => {
  it('fits what it adds, and nothing else does', async () => {
    const right = await load(path, {});
    expect((await right.trace(IDS)).samples[0].layers).toHaveLength(2);
    const model = await load(path, wrong);
    const refusal = {
      code: 'capture',
      message: expect.stringMatching(
        /its experts times the weights of its convention differ from what the layer adds by [\d.e+]+ % \(layer 0, /
      ) as string
    };
    await expect(model.trace(IDS)).rejects.toMatchObject(refusal);
    await expect(model.generate(IDS)).rejects.toMatchObject(refusal);
  });
});

describe.each([
  [2, 'one for all', [0.5, 0.5], 0.3],
  [3, 'one for all', [1, 1, 1], 0.3]
])('%d experts in plain operators, %s', (topK, _, weights) => {
  const path = tinyMoE({ topK, router: unscored(weights) }).save();

  it('fit equal weights', async () => {
    const model = await load(path, {});
    const [{ layers }] = (await model.trace(IDS)).samples;
    expect([...layers[0].weights]).toEqual(
      Array(IDS.length * topK).fill(Math.fround(1 / topK))
    );
  });

  it('do not fit a softmax', async () => {
    const model = await load(path, { equalWeights: undefined });
    await expect(model.trace(IDS)).rejects.toMatchObject({
      code: 'capture',
      message: expect.stringMatching(
        /the shares of the chosen experts .* differ from the weights of its convention by up to 0\.\d+ \(layer 0, /
      ) as string
    });
  });
});

it('tells slots of unequal weights from equal ones', async () => {
  const path = tinyMoE({ router: unscored([0.7, 0.3]) }).save();
  const model = await load(path, {});
  await expect(model.trace(IDS)).rejects.toMatchObject({
    message: expect.stringContaining('by up to 0.200 (layer 0') as string
  });
});

it('refuses by name edits that need weights which the graph does not hold', async () => {
  const model = await load(
    tinyMoE({ router: unscored([0.5, 0.5]) }).save(),
    {}
  );
  expect(() =>
    model.with({ scale: [{ layer: 0, expert: 1, factor: 2 }] })
  ).toThrow(/does not support scale there: its graph holds no weights/);
});
