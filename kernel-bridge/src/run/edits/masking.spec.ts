/**
 * A masked expert is never selected, whatever else adds to its score. Each router is compared with the same model
 * exported without the expert: its logit and the score that it is selected by are -1e9 in the file.
 */
import type { GraphBuilder } from '../../../test/graph-builder';
import {
  tinyMoE,
  type RouterWriter,
  type Sizes,
  type TinyOptions
} from '../../../test/tiny-moe';
import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import { ELEMENT } from '../../onnx/file/schema';
import type { RoutingTrace } from '../trace/routing-trace';
import type { Edits } from './edits';

const IDS = [3, 14, 15, 9, 26, 5, 35, 8, 41, 2];
/** The expert that is masked in both layers, and favoured by the selection bias. */
const MASKED = 2;
const models: MoEModel[] = [];

async function load(options: TinyOptions): Promise<MoEModel> {
  const model = await loadModel(tinyMoE(options).save());
  models.push(model);
  return model;
}

afterAll(() => Promise.all(models.map(model => model.dispose())));

/** A value for each expert: `value` for the masked one of a model without it, 0 for others. */
type Without = (size: Sizes, value?: number) => number[];
const whole: Without = ({ experts }) => Array<number>(experts).fill(0);
const without: Without = ({ experts }, value = -1e9) =>
  Array.from({ length: experts }, (_, e) => (e === MASKED ? value : 0));

interface Form {
  /** Steps between logits and choice. */
  write: (without: Without) => Partial<TinyOptions>;
  /** float16 scores are coarse. */
  digits?: number;
}

/** The selection bias of each expert. */
const bias = (favoured: number, rest: number, gone: number[]): number[] =>
  gone.map((own, e) => own + (e === MASKED ? favoured : rest * (1 + e / 10)));

function logitsOf(
  b: GraphBuilder,
  x: string,
  size: Sizes,
  gone: Without,
  scale = 2
): string {
  const { hidden, experts } = size;
  const logits = b.op('MatMul', [x, b.weight([hidden, experts], scale)]);
  return b.op('Add', [logits, b.floats(gone(size), [1, experts])]);
}

/** Selected by biased scores, weighted by the scores themselves. */
function biased(
  score: 'Sigmoid' | 'Softmax',
  favoured: number,
  rest: number
): Form {
  return {
    write: gone => ({
      router: (b, x, size) => {
        const scores = b.op(
          score,
          [logitsOf(b, x, size, gone)],
          score === 'Softmax' ? { axis: -1 } : {}
        );
        const choice = b.op('Add', [
          scores,
          b.floats(bias(favoured, rest, gone(size)), [1, size.experts])
        ]);
        return picked(b, scores, choice, size);
      }
    })
  };
}

function picked(
  b: GraphBuilder,
  scores: string,
  choice: string,
  { topK }: Sizes
): ReturnType<RouterWriter> {
  const [, selected] = b.many('TopK', [choice, b.ints([topK])], 2);
  const taken = b.op('GatherElements', [scores, selected], { axis: 1 });
  const sum = b.over('ReduceSum', taken, [-1], { keepdims: 1 });
  return { selected, weights: b.op('Div', [taken, sum]) };
}

/** QMoE that selects by one input and weights by another, as exporters write DeepSeek's router. */
const fused: Form = {
  write: gone => ({
    mixture: (b, x, size) => {
      const { experts, hidden, topK, intermediate: inner } = size;
      const scores = b.op('Sigmoid', [logitsOf(b, x, size, gone)]);
      const choice = b.op('Add', [
        scores,
        b.floats(bias(12, 0.1, gone(size)), [1, experts])
      ]);
      const scales = (out: number): string =>
        b.floats(
          Array.from({ length: experts * out }, () => 0.02 + b.random() / 50),
          [experts, out]
        );
      const none = Array<string>(7).fill('');
      return b.op(
        'com.microsoft.QMoE',
        [
          x,
          choice,
          b.uint8([experts, 2 * inner, hidden / 2]),
          scales(2 * inner),
          '',
          b.uint8([experts, hidden, inner / 2]),
          scales(hidden),
          ...none,
          scores
        ],
        {
          k: topK,
          activation_type: 'swiglu',
          expert_weight_bits: 4,
          normalize_routing_weights: 1,
          swiglu_fusion: 1
        }
      );
    }
  }),
  digits: 4
};

const FORMS: Record<string, Form> = {
  'sigmoid and a bias of +12': biased('Sigmoid', 12, 0.1),
  'softmax and a bias of +12': biased('Softmax', 12, 0.1),
  'sigmoid and negative biases': biased('Sigmoid', -1, -5),
  'scores that are all exactly 0': {
    // With logits this far apart softmax underflows, and experts of score 0 are selected by their index.
    write: gone => ({
      router: (b, x, size) => {
        const scores = b.op('Softmax', [logitsOf(b, x, size, gone, 400)], {
          axis: -1
        });
        const choice = b.op('Add', [
          scores,
          b.floats(bias(0, 0, gone(size)), [1, size.experts])
        ]);
        return picked(b, scores, choice, size);
      }
    })
  },
  'scores in half precision': {
    write: gone => ({
      router: (b, x, size) => {
        const { experts } = size;
        const half = (values: number[]): string =>
          b.op('Cast', [b.floats(values, [1, experts])], {
            to: ELEMENT.float16
          });
        const logits = b.op(
          'Cast',
          [b.op('MatMul', [x, b.weight([size.hidden, experts], 2)])],
          { to: ELEMENT.float16 }
        );
        const scores = b.op('Sigmoid', [
          b.op('Add', [logits, half(gone(size, -3e4))])
        ]);
        const choice = b.op('Add', [
          scores,
          half(bias(12, 0.1, gone(size, -3e4)))
        ]);
        const { selected, weights } = picked(b, scores, choice, size);
        return {
          selected,
          weights: b.op('Cast', [weights], { to: ELEMENT.float })
        };
      }
    }),
    digits: 1
  },
  'a fused operator with weights of its own': fused
};

const EDIT: Edits = {
  ablate: [0, 1].map(layer => ({ layer, expert: MASKED }))
};

const output = (trace: RoutingTrace): Float32Array =>
  [...trace.outputLogits.values()][0].data;

const selections = ({ samples: [{ layers }] }: RoutingTrace): number[][] =>
  layers.map(({ selected }) => [...selected]);

describe.each(Object.entries(FORMS))('%s', (_, { write, digits = 5 }) => {
  let model: MoEModel;
  let twin: MoEModel;
  const sizes = { seed: 4, topK: 3 };

  beforeAll(async () => {
    model = await load({ ...sizes, ...write(whole) });
    twin = await load({ ...sizes, ...write(without) });
  });

  it('computes what the model without the expert does', async () => {
    const plain = await model.trace(IDS, { logits: 'all' });
    expect(selections(plain).some(own => own.includes(MASKED))).toBe(true);
    const masked = await model.with(EDIT).trace(IDS, { logits: 'all' });
    const expected = await twin.trace(IDS, { logits: 'all' });
    expect(selections(masked).flat()).not.toContain(MASKED);
    expect(selections(masked)).toEqual(selections(expected));
    const [ours, theirs] = [output(masked), output(expected)];
    expect(ours.length).toBe(IDS.length * 50);
    ours.forEach((value, i) => expect(value).toBeCloseTo(theirs[i], digits));
    expect(
      Math.max(...ours.map((v, i) => Math.abs(v - output(plain)[i])))
    ).toBeGreaterThan(0.01);
  });

  it('with no expert beside the k that are left selects these', async () => {
    const gone = [0, 1, 2, 3, 4];
    const masked = await model
      .with({ ablate: gone.map(expert => ({ layer: 1, expert })) })
      .trace(IDS);
    const [, { selected }] = masked.samples[0].layers;
    for (let t = 0; t < IDS.length; t++) {
      expect([...selected.subarray(3 * t, 3 * t + 3)].sort()).toEqual([
        5, 6, 7
      ]);
    }
    expect(() =>
      model.with({ ablate: [...gone, 5].map(expert => ({ layer: 1, expert })) })
    ).toThrow(/2 experts are left where each token selects 3 \(layer 1\)/);
  });
});

it('selects no masked expert in generated tokens, at other tokens as before', async () => {
  const model = await load({
    seed: 4,
    ...FORMS['sigmoid and a bias of +12'].write(whole)
  });
  const { trace } = await model
    .with({ ablate: [{ layer: 0, expert: MASKED, tokens: [5] }] })
    .generate(IDS, { maxNewTokens: 4 });
  const { selected, topK } = trace.samples[0].layers[0];
  expect(selected.length).toBe((IDS.length + 4) * topK);
  expect(
    [...selected.subarray(0, 5 * topK)].filter(e => e === MASKED).length
  ).toBe(5);
  expect([...selected.subarray(5 * topK)]).not.toContain(MASKED);
});

it('combines with a bias and a force of other experts', async () => {
  const model = await load({
    seed: 4,
    ...FORMS['sigmoid and a bias of +12'].write(whole)
  });
  const { samples } = await model
    .with({
      ablate: [{ layer: 0, expert: MASKED }],
      bias: [{ layer: 0, expert: 7, value: 1e6 }],
      force: [{ layer: 0, expert: 5, tokens: [3, 4] }]
    })
    .trace(IDS);
  const { selected, weights, topK } = samples[0].layers[0];
  expect([...selected]).not.toContain(MASKED);
  const rows = IDS.map((_, t) => [
    ...selected.subarray(t * topK, (t + 1) * topK)
  ]);
  expect(rows[3][0]).toBe(5);
  expect(weights[3 * topK]).toBe(1);
  expect(rows.filter((_, t) => t !== 3).every(row => row.includes(7))).toBe(
    true
  );
});

describe('groups of experts', () => {
  const GROUP = [2, 3];
  /** DeepSeek-V3: four groups, scored by their two best experts, of which each token takes two. */
  const grouped =
    (gone: number): RouterWriter =>
    (b, x, size) => {
      const { experts, topK } = size;
      const scores = b.op('Sigmoid', [logitsOf(b, x, size, whole)]);
      const favoured = Array.from({ length: experts }, (_, e) =>
        GROUP.includes(e) ? 12 + gone : 0.1 * e
      );
      const choice = b.op('Add', [scores, b.floats(favoured, [1, experts])]);
      const [best] = b.many(
        'TopK',
        [b.op('Reshape', [choice, b.ints([-1, 4, 2])]), b.ints([2])],
        2
      );
      const sums = b.over('ReduceSum', best, [-1], { keepdims: 0 });
      const [, taken] = b.many('TopK', [sums, b.ints([2])], 2);
      const rows = b.op('Shape', [taken]);
      const ones = b.op('Expand', [b.floats([1], [1, 1]), rows]);
      const zeros = b.op('Mul', [sums, b.floats([0], [1, 1])]);
      const open = b.op('ScatterElements', [zeros, taken, ones], { axis: 1 });
      const each = b.op('Expand', [
        b.over('Unsqueeze', open, [-1]),
        b.ints([1, 4, 2])
      ]);
      const mask = b.op(
        'Cast',
        [b.op('Reshape', [each, b.ints([-1, experts])])],
        {
          to: ELEMENT.bool
        }
      );
      const limited = b.op('Where', [mask, choice, b.floats([0], [1, 1])]);
      return picked(b, scores, limited, { ...size, topK });
    };

  it('takes no group of which every expert is masked', async () => {
    const sizes = { seed: 9, topK: 3 };
    const model = await load({ ...sizes, router: grouped(0) });
    expect(model.layers[0]).toMatchObject({
      groups: { count: 4, selected: 2, score: 'top2-sum' }
    });
    const plain = await model.trace(IDS);
    expect(selections(plain)[0]).toEqual(expect.arrayContaining(GROUP));
    const masked = await model
      .with({
        ablate: [0, 1].flatMap(layer =>
          GROUP.map(expert => ({ layer, expert }))
        )
      })
      .trace(IDS, { logits: 'all' });
    const twin = await load({ ...sizes, router: grouped(-1e9) });
    const expected = await twin.trace(IDS, { logits: 'all' });
    expect(selections(masked)).toEqual(selections(expected));
    output(masked).forEach((value, i) =>
      expect(value).toBeCloseTo(output(expected)[i], 5)
    );
  });

  it('refuses masks that can leave too few experts in the groups of a token', async () => {
    const model = await load({ seed: 9, topK: 3, router: grouped(0) });
    expect(() =>
      model.with({ ablate: [0, 4].map(expert => ({ layer: 0, expert })) })
    ).toThrow(
      /2 experts are left in 2 of 4 groups where each token selects 3 \(layer 0\)/
    );
  });
});

it('masks experts of a fused operator that is decomposed to plain ones', async () => {
  const model = await load({ seed: 4, ...fused.write(whole) });
  const [own, plain] = await Promise.all(
    [false, true].map(rewriteFused =>
      model.with(EDIT, { rewriteFused }).trace(IDS, { logits: 'all' })
    )
  );
  expect(selections(plain).flat()).not.toContain(MASKED);
  output(plain).forEach((value, i) =>
    expect(value).toBeCloseTo(output(own)[i], 3)
  );
});
