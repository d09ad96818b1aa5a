/** What inspect shows of a router's numbers, and of what keeps it from being read. */
import { saveModel, type GraphBuilder } from '../../../test/graph-builder';
import { tinyMoE, type RouterWriter } from '../../../test/tiny-moe';
import type { GraphProto } from '../../onnx/file/schema';
import { formatDescription, type MoELayerCard } from './description';
import { externalShapes, HOW_TO_EXPORT } from './external-shapes';
import { inspectModel } from './structure';
import { Graph } from '../../onnx/graph/graph';

const BIAS = [0.25, -0.5, 0.125, 0, -0.125, 0.5, -0.25, 0.0625];
const one = (b: GraphBuilder, value: number): string => b.floats([value], []);

/** Sigmoid of soft-capped logits, a bias for the choice, factors of experts and of all. */
const router: RouterWriter = (b, x, { hidden, experts, topK }) => {
  const product = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
  const capped = b.op('Mul', [
    b.op('Tanh', [b.op('Div', [product, one(b, 30)])]),
    one(b, 30)
  ]);
  const scores = b.op('Sigmoid', [capped]);
  const [, selected] = b.many(
    'TopK',
    [b.op('Add', [scores, b.floats(BIAS)]), b.ints([topK])],
    2
  );
  const chosen = b.op('GatherElements', [scores, selected], { axis: -1 });
  const factors = b.op('Gather', [
    b.floats(Array.from({ length: experts }, (_, e) => 1 + e / 8)),
    selected
  ]);
  return {
    selected,
    weights: b.op('Mul', [b.op('Mul', [chosen, factors]), one(b, 2.5)])
  };
};

describe('inspect', () => {
  const description = inspectModel(
    saveModel(tinyMoE({ router, layers: 1 }).build())
  );

  it('has what changes the numbers as fields', () => {
    const [card] = description.layers as MoELayerCard[];
    expect(card).toMatchObject({
      moe: true,
      score: 'sigmoid',
      selectionBias: BIAS,
      scale: 2.5,
      expertScale: [1, 1.125, 1.25, 1.375, 1.5, 1.625, 1.75, 1.875],
      router: {
        logitsAre: 'logits',
        logitsAfter: ['MatMul', expect.stringMatching(/^soft cap 30/)]
      }
    });
    expect(card.softcap).toBeCloseTo(30, 4);
  });

  it('says them as text', () => {
    expect(formatDescription(description)).toMatch(
      /selection bias -0\.5 to 0\.5, scale 2\.5, scale of each expert 1 to 1\.875, logits read after soft cap 30/
    );
  });

  it('does not call a layer dense whose router it could not read', () => {
    const smallest: RouterWriter = (b, x, { hidden, experts, topK }) => {
      const logits = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
      const [weights, selected] = b.many(
        'TopK',
        [b.op('Softmax', [logits]), b.ints([topK])],
        2,
        { largest: 0, axis: -1 }
      );
      return { selected, weights };
    };
    const text = formatDescription(
      inspectModel(
        saveModel(tinyMoE({ router: smallest, layers: 2, dense: [0] }).build())
      )
    );
    expect(text).toMatch(/layer 0 +dense/);
    expect(text).toMatch(/layer 1 +not read: TopK/);
  });
});

describe('constants of shapes that are external', () => {
  /** A graph whose constants lie in another file, as an export without a size threshold writes them. */
  const external = (graph: GraphProto): GraphProto => ({
    ...graph,
    initializer: graph.initializer.map(tensor => ({
      ...tensor,
      rawData: undefined,
      dataLocation: 1,
      externalData: [{ key: 'location', value: 'model.onnx.data' }]
    }))
  });

  it('are named, with the way to export', () => {
    const { graph } = tinyMoE({ layers: 1 }).build();
    expect(externalShapes(new Graph(external(graph)))).toMatch(
      /^\d+ constants of shapes and axes \(ints_\d+, .*\) are external data/
    );
    expect(HOW_TO_EXPORT).toContain('size_threshold');
  });

  it('are not found where only weights are external', () => {
    const { graph } = tinyMoE({ layers: 1 }).build();
    const weights = external(graph).initializer.filter(({ name }) =>
      name?.startsWith('weight')
    );
    const names = new Set(weights.map(({ name }) => name));
    expect(weights.length).toBeGreaterThan(0);
    expect(
      externalShapes(
        new Graph({
          ...graph,
          initializer: [
            ...weights,
            ...graph.initializer.filter(({ name }) => !names.has(name))
          ]
        })
      )
    ).toBeUndefined();
  });
});
