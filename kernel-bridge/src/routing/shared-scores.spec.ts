/** Routers that score routed and shared experts together, as different exporters write them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GraphBuilder } from '../../test/graph-builder';
import { tinyMoE, type Sizes, type TinyOptions } from '../../test/tiny-moe';
import { inspectModel, loadModel, type MoEModel } from '..';

const models: MoEModel[] = [];
async function load(path: string): Promise<MoEModel> {
  const model = await loadModel(path);
  models.push(model);
  return model;
}
afterAll(() => Promise.all(models.map(model => model.dispose())));

describe('a sigmoid of all, and the softmax of its logarithm over the chosen and the shared', () => {
  const folder = join(
    __dirname,
    '../../test/fixtures/routers/routed-and-shared'
  );
  interface Truth {
    input_ids: number[];
    /** By layer: logits, weights and experts, each [tokens][...]. */
    routers: Record<string, [number[][], number[][], number[][]]>;
    logits: number[][];
  }
  const truth = JSON.parse(
    readFileSync(join(folder, 'truth.json'), 'utf8')
  ) as Truth;
  const layers = Object.values(truth.routers);
  let model: MoEModel;
  beforeAll(async () => {
    model = await load(folder);
  });

  it('is routed as numpy did', async () => {
    const { samples } = await model.trace(truth.input_ids);
    expect(samples[0].layers).toHaveLength(layers.length);
    expect(layers.length).toBeGreaterThan(0);
    samples[0].layers.forEach((layer, i) => {
      const [logits, weights, experts] = layers[i];
      expect([...layer.selected]).toEqual(experts.flat());
      closeTo(layer.logits, logits.flat());
      closeTo(layer.weights, weights.flat());
    });
  });

  it('is described', () => {
    expect(inspectModel(folder).layers).toMatchObject(
      layers.map(() => ({
        experts: 8,
        topK: 2,
        score: 'sigmoid',
        scoreBeforeTopK: true,
        renormalized: true,
        sharedScores: 2,
        sharedExperts: 2
      }))
    );
    expect(inspectModel(folder).warnings).toEqual([]);
  });

  it('selects a substitute for a masked expert, by its bias', async () => {
    const [[, , experts]] = layers;
    const [expert] = experts[0];
    const { samples } = await model
      .with({ ablate: [{ layer: 0, expert }] })
      .trace(truth.input_ids);
    const [{ selected }] = samples[0].layers;
    expect([...selected]).not.toContain(expert);
    const rows = experts.map((row, t) => [
      row,
      [...selected.subarray(2 * t, 2 * t + 2)]
    ]);
    const kept = rows.filter(([row]) => !row.includes(expert));
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.map(([, own]) => own)).toEqual(kept.map(([row]) => row));
  });

  it('refuses another k by name', () => {
    expect(() => model.with({ topK: 3 })).toThrow(
      /does not support topK there: its graph scores the chosen k side by side with shared experts/
    );
  });
});

/** Where the shared experts' logits are in the product. */
type Order = 'routed first' | 'shared first';
const SHARED = 2;

/** Scores, choice and weights of a layer; all spellings of it compute the same. */
type Spelling = (
  b: GraphBuilder,
  logits: string,
  size: Sizes,
  order: Order
) => { selected: string; weights: string; beside: string };

function part(
  b: GraphBuilder,
  tensor: string,
  what: 'routed' | 'shared',
  { experts }: Sizes,
  order: Order
): string {
  const first = (what === 'routed') === (order === 'routed first');
  const size = what === 'routed' ? experts : SHARED;
  const [from, to] = first ? [0, size] : [-size, 2 ** 31 - 1];
  return b.op('Slice', [tensor, b.ints([from]), b.ints([to]), b.ints([1])]);
}

/** Both parts by one Split. */
function split(
  b: GraphBuilder,
  tensor: string,
  { experts }: Sizes,
  order: Order
): { routed: string; shared: string } {
  const sizes = [experts, SHARED];
  const [a, c] = b.many(
    'Split',
    [tensor, b.ints(order === 'routed first' ? sizes : sizes.reverse())],
    2,
    { axis: 1 }
  );
  return order === 'routed first'
    ? { routed: a, shared: c }
    : { routed: c, shared: a };
}

const biasOf = ({ experts }: Sizes): number[] =>
  Array.from({ length: experts }, (_, e) => (e % 3) / 4);

function chosen(b: GraphBuilder, scores: string, size: Sizes): string {
  const choice = b.op('Add', [
    scores,
    b.floats(biasOf(size), [1, size.experts])
  ]);
  return b.many('TopK', [choice, b.ints([size.topK])], 2)[1];
}

/** Divides side by side, and takes the chosen and the shared apart again. */
function divided(
  b: GraphBuilder,
  own: string,
  shared: string,
  { topK }: Sizes
): { weights: string; beside: string } {
  const all = b.op('Concat', [own, shared], { axis: 1 });
  const shares = b.op('Div', [
    all,
    b.over('ReduceSum', all, [-1], { keepdims: 1 })
  ]);
  const [weights, beside] = b.many(
    'Split',
    [shares, b.ints([topK, SHARED])],
    2,
    { axis: 1 }
  );
  return { weights, beside };
}

const gather = (b: GraphBuilder, from: string, at: string): string =>
  b.op('GatherElements', [from, at], { axis: 1 });

const SPELLINGS: Record<string, Spelling> = {
  'a sigmoid of all logits, taken apart by Slice': (b, logits, size, order) => {
    const scores = b.op('Sigmoid', [logits]);
    const routed = part(b, scores, 'routed', size, order);
    const selected = chosen(b, routed, size);
    return {
      selected,
      ...divided(
        b,
        gather(b, routed, selected),
        part(b, scores, 'shared', size, order),
        size
      )
    };
  },
  'a sigmoid of all logits, taken apart by Split': (b, logits, size, order) => {
    const { routed, shared } = split(b, b.op('Sigmoid', [logits]), size, order);
    const selected = chosen(b, routed, size);
    return {
      selected,
      ...divided(b, gather(b, routed, selected), shared, size)
    };
  },
  'logits taken apart, scored after they are side by side': (
    b,
    logits,
    size,
    order
  ) => {
    const { routed, shared } = split(b, logits, size, order);
    const selected = chosen(b, b.op('Sigmoid', [routed]), size);
    const all = b.op('Concat', [gather(b, routed, selected), shared], {
      axis: 1
    });
    const scores = b.op('Sigmoid', [all]);
    const shares = b.op('Div', [
      scores,
      b.over('ReduceSum', scores, [-1], { keepdims: 1 })
    ]);
    const [weights, beside] = b.many(
      'Split',
      [shares, b.ints([size.topK, SHARED])],
      2,
      { axis: 1 }
    );
    return { selected, weights, beside };
  },
  'the softmax of the logarithm of a sigmoid': (b, logits, size, order) => {
    const whole = b.op('Sigmoid', [logits]);
    const selected = chosen(b, part(b, whole, 'routed', size, order), size);
    const all = b.op(
      'Concat',
      [
        gather(b, part(b, logits, 'routed', size, order), selected),
        part(b, logits, 'shared', size, order)
      ],
      { axis: 1 }
    );
    const shares = b.op('Softmax', [b.op('Log', [b.op('Sigmoid', [all])])], {
      axis: -1
    });
    const [weights, beside] = b.many(
      'Split',
      [shares, b.ints([size.topK, SHARED])],
      2,
      { axis: 1 }
    );
    return { selected, weights, beside };
  }
};

/** A layer with routed and shared experts; weights are made in one order, so that all spellings have the same. */
const mixture =
  (spelling: Spelling, order: Order): TinyOptions['mixture'] =>
  (b, x, size) => {
    const { experts, hidden, intermediate } = size;
    const rowsOf = (width: number): number[][] =>
      Array.from({ length: hidden }, () =>
        Array.from({ length: width }, () => b.random() * 4 - 2)
      );
    const [routed, shared] = [rowsOf(experts), rowsOf(SHARED)];
    const both = routed.map((row, i) =>
      order === 'routed first' ? [...row, ...shared[i]] : [...shared[i], ...row]
    );
    const logits = b.op('MatMul', [
      x,
      b.floats(both.flat(), [hidden, experts + SHARED])
    ]);
    const { selected, weights, beside } = spelling(b, logits, size, order);
    const rows = b.op('Gather', [b.op('Shape', [x]), b.ints([0])]);
    const dense = b.op(
      'ScatterElements',
      [
        b.op('ConstantOfShape', [
          b.op('Concat', [rows, b.ints([experts])], { axis: 0 })
        ]),
        selected,
        weights
      ],
      { axis: 1 }
    );
    const each = b.op('MatMul', [
      b.op('Relu', [
        b.op('MatMul', [
          b.over('Unsqueeze', x, [0]),
          b.weight([experts, hidden, intermediate])
        ])
      ]),
      b.weight([experts, intermediate, hidden])
    ]);
    const sum = b.over(
      'ReduceSum',
      b.op('Mul', [
        each,
        b.over('Unsqueeze', b.op('Transpose', [dense], { perm: [1, 0] }), [-1])
      ]),
      [0],
      { keepdims: 0 }
    );
    const mlp = (): string =>
      b.op('MatMul', [
        b.op('Relu', [b.op('MatMul', [x, b.weight([hidden, intermediate])])]),
        b.weight([intermediate, hidden])
      ]);
    const own = b.many('Split', [beside, b.ints([1, 1])], SHARED, { axis: 1 });
    return own.reduce(
      (all, weight) => b.op('Add', [all, b.op('Mul', [mlp(), weight])]),
      sum
    );
  };

const IDS = [3, 14, 15, 9, 26, 5, 35, 8];
const forms = Object.entries(SPELLINGS).flatMap(([name, spelling]) =>
  (['routed first', 'shared first'] as const).map(
    order => [`${name}, ${order}`, mixture(spelling, order)] as const
  )
);

describe.each(forms)('%s', (_, own) => {
  let model: MoEModel;
  beforeAll(async () => {
    model = await load(tinyMoE({ seed: 6, mixture: own }).save());
  });

  it('has weights that sum to less than 1, as the sum of all scores says', async () => {
    const { samples } = await model.trace(IDS);
    const [layer] = samples[0].layers;
    expect(model.layers[0]).toMatchObject({
      sharedScores: 2,
      sharedExperts: 2,
      experts: 8,
      renormalized: true
    });
    IDS.forEach((__, t) => {
      const [a, c] = [0, 1].map(slot => {
        const expert = layer.selected[2 * t + slot];
        return {
          weight: layer.weights[2 * t + slot],
          score: 1 / (1 + Math.exp(-layer.logits[8 * t + expert]))
        };
      });
      const sum = a.score / a.weight;
      expect(c.score / c.weight).toBeCloseTo(sum, 3);
      // What is left is the scores of two shared experts.
      expect(sum - a.score - c.score).toBeGreaterThan(0);
      expect(sum - a.score - c.score).toBeLessThan(2);
    });
  });

  it('routes and computes what other spellings do, also with an expert less', async () => {
    const reference = await load(
      tinyMoE({ seed: 6, mixture: forms[0][1] }).save()
    );
    const edit = { ablate: [{ layer: 0, expert: 2 }] };
    for (const [a, c] of [
      [model, reference],
      [model.with(edit), reference.with(edit)]
    ]) {
      const [ours, theirs] = [
        await a.trace(IDS, { logits: 'all' }),
        await c.trace(IDS, { logits: 'all' })
      ];
      const [[first], [other]] = [ours, theirs].map(
        trace => trace.samples[0].layers
      );
      expect([...first.selected]).toEqual([...other.selected]);
      closeTo(first.weights, other.weights);
      const [output, expected] = [ours, theirs].map(
        trace => [...trace.outputLogits.values()][0].data
      );
      closeTo(output, expected);
    }
  });
});

it('is named, and not read, where what lies beside the chosen is not known', () => {
  const strange: Spelling = (b, logits, size, order) => {
    const { routed, shared } = split(b, logits, size, order);
    const scores = b.op('Sigmoid', [routed]);
    const selected = chosen(b, scores, size);
    return {
      selected,
      ...divided(
        b,
        gather(b, scores, selected),
        b.op('Tanh', [b.op('Abs', [shared])]),
        size
      )
    };
  };
  const { layers, warnings } = inspectModel(
    tinyMoE({ mixture: mixture(strange, 'routed first') }).save()
  );
  expect(layers).toMatchObject([{ moe: null }, { moe: null }]);
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatch(/a router is ignored: TopK .*no pattern/);
});

function closeTo(ours: ArrayLike<number>, theirs: ArrayLike<number>): void {
  expect(ours.length).toBe(theirs.length);
  expect(theirs.length).toBeGreaterThan(0);
  const differences = Array.from(theirs, (value, i) =>
    Math.abs(value - ours[i])
  );
  expect(Math.max(...differences)).toBeLessThan(1e-5);
}
