/**
 * Groups of experts whose others are chosen by a value of the graph, and not never: DeepSeek's masked_fill(mask, 0.0).
 * With negative biases, an expert outside the groups can be chosen before one inside.
 */
import type { GraphBuilder } from '../../test/graph-builder';
import { tinyMoE, type RouterWriter } from '../../test/tiny-moe';
import { ELEMENT } from '../onnx/file/schema';
import { loadModel, type MoEModel } from '..';

const IDS = [3, 14, 15, 9, 26, 5, 35, 8, 41, 2];
const GROUPS = 4;
const models: MoEModel[] = [];
afterAll(() => Promise.all(models.map(model => model.dispose())));

/** What experts outside the groups are chosen by. */
type Fill = (b: GraphBuilder, mask: string, choice: string) => string;

const FILLS: Record<string, { fill: Fill; value: number }> = {
  'a Where with 0': {
    fill: (b, mask, choice) =>
      b.op('Where', [mask, choice, b.floats([0], [1, 1])]),
    value: 0
  },
  'a Where with -0.4': {
    fill: (b, mask, choice) =>
      b.op('Where', [b.op('Not', [mask]), b.floats([-0.4], []), choice]),
    value: -0.4
  },
  'a product with the mask': {
    fill: (b, mask, choice) =>
      b.op('Mul', [choice, b.op('Cast', [mask], { to: ELEMENT.float })]),
    value: 0
  },
  'a tensor of zeros that the graph makes': {
    fill: (b, mask, choice) =>
      b.op('Where', [
        mask,
        choice,
        b.op('ConstantOfShape', [b.op('Shape', [choice])])
      ]),
    value: 0
  },
  'negative infinity': {
    fill: (b, mask, choice) =>
      b.op('Where', [mask, choice, b.floats([-Infinity], [1, 1])]),
    value: -Infinity
  }
};

const biases = [-0.9, -0.2, -0.7, -0.1, -1.2, -0.5, -0.3, -0.8];

const router =
  (fill: Fill, bias: readonly number[]): RouterWriter =>
  (b, x, { experts, hidden, topK }) => {
    const scores = b.op('Sigmoid', [
      b.op('MatMul', [x, b.weight([hidden, experts], 2)])
    ]);
    const choice = b.op('Add', [scores, b.floats(bias, [1, experts])]);
    const size = experts / GROUPS;
    const best = b.over(
      'ReduceMax',
      b.op('Reshape', [choice, b.ints([-1, GROUPS, size])]),
      [-1],
      { keepdims: 0 }
    );
    const [, taken] = b.many('TopK', [best, b.ints([1])], 2);
    const ones = b.op('Expand', [
      b.floats([1], [1, 1]),
      b.op('Shape', [taken])
    ]);
    const zeros = b.op('Mul', [best, b.floats([0], [1, 1])]);
    const open = b.op('ScatterElements', [zeros, taken, ones], { axis: 1 });
    const each = b.op('Expand', [
      b.over('Unsqueeze', open, [-1]),
      b.ints([1, GROUPS, size])
    ]);
    const mask = b.op(
      'Cast',
      [b.op('Reshape', [each, b.ints([-1, experts])])],
      {
        to: ELEMENT.bool
      }
    );
    const [, selected] = b.many(
      'TopK',
      [fill(b, mask, choice), b.ints([topK])],
      2
    );
    const own = b.op('GatherElements', [scores, selected], { axis: 1 });
    return {
      selected,
      weights: b.op('Div', [
        own,
        b.over('ReduceSum', own, [-1], { keepdims: 1 })
      ])
    };
  };

async function load(fill: Fill, bias = biases): Promise<MoEModel> {
  const model = await loadModel(
    tinyMoE({ seed: 5, router: router(fill, bias) }).save()
  );
  models.push(model);
  return model;
}

const groupOf = (expert: number): number => Math.floor(expert / 2);

describe.each(Object.entries(FILLS))('%s', (_, { fill, value }) => {
  it('is selected as onnxruntime does, also outside the groups', async () => {
    const model = await load(fill);
    const [card] = model.layers;
    expect(card).toMatchObject({
      groups: { count: GROUPS, selected: 1, score: 'max' }
    });
    expect((card as { groups: { fill?: number } }).groups.fill).toEqual(
      value === -Infinity ? undefined : expect.closeTo(value, 6)
    );
    // The capture is checked against the convention as it is read.
    const { samples } = await model.trace(IDS);
    const [{ selected }] = samples[0].layers;
    const across = IDS.filter(
      (__, t) => groupOf(selected[2 * t]) !== groupOf(selected[2 * t + 1])
    );
    expect(across.length > 0).toBe(value !== -Infinity);
  });

  it('is not said where no score can be less', async () => {
    const model = await load(
      fill,
      biases.map(bias => Math.max(value, 0) + 1 + bias / 2)
    );
    expect(
      (model.layers[0] as { groups: { fill?: number } }).groups
    ).not.toHaveProperty('fill');
    await model.trace(IDS);
  });
});
