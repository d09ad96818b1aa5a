/**
 * Neurons of experts: what clamping, scaling and steering them does, beside the forward in plain loops over the weights, in
 * the layouts in which exporters write experts; and beside dropping whole experts, in exported models.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadModel, type MoEModel } from '../src';
import { inlineValues } from '../src/onnx/file/tensor';
import type { GraphBuilder } from './graph-builder';
import { temporaryFolder } from './temporary';
import { TinyWeights } from './tiny-forward';
import {
  mixtralRouter,
  tinyMoE,
  type Sizes,
  type TinyOptions
} from './tiny-moe';
import { DEMO, smallModels } from './zoo';

type Mixture = NonNullable<TinyOptions['mixture']>;

const PLAN = { norms: false, layers: 1, seed: 14 };
const IDS = [7, 19, 3, 42, 11, 28];
const NEURONS = 12;
const TOP_K = 2;

/** The weights of all experts, for the forward by hand, and what is read of them. */
function stored(b: GraphBuilder, dims: number[]): (expert?: number) => string {
  const whole = b.weight(dims);
  const values = [...inlineValues(b.initializers.at(-1)!)!];
  const size = dims[1] * dims[2];
  return expert =>
    expert === undefined
      ? whole
      : b.floats(
          values.slice(expert * size, (expert + 1) * size),
          dims.slice(1)
        );
}

/** A product for each expert, with weights of its own. */
const apart: Mixture = (b, x, size) => {
  const { experts, hidden, intermediate } = size;
  const { selected, weights } = mixtralRouter(b, x, size);
  const up = stored(b, [experts, hidden, intermediate]);
  const down = stored(b, [experts, intermediate, hidden]);
  return Array.from({ length: experts }, (_, expert) => {
    const chosen = b.op('Cast', [b.op('Equal', [selected, b.ints([expert])])], {
      to: 1
    });
    const own = b.over('ReduceSum', b.op('Mul', [weights, chosen]), [-1], {
      keepdims: 1
    });
    const inner = b.op('Relu', [b.op('MatMul', [x, up(expert)])]);
    return b.op('Mul', [b.op('MatMul', [inner, down(expert)]), own]);
  }).reduce((sum, next) => b.op('Add', [sum, next]));
};

/** The weights of each token's experts are looked up. */
const gathered: Mixture = (b, x, size) => {
  const { experts, hidden, intermediate, topK } = size;
  const { selected, weights } = mixtralRouter(b, x, size);
  const ids = b.op('Reshape', [selected, b.ints([-1])]);
  const of = (dims: number[]): string =>
    b.op('Gather', [stored(b, dims)(), ids], { axis: 0 });
  const rows = b.op('Reshape', [
    b.op('Expand', [b.over('Unsqueeze', x, [1]), b.ints([1, topK, 1])]),
    b.ints([-1, 1, hidden])
  ]);
  const inner = b.op('Relu', [
    b.op('MatMul', [rows, of([experts, hidden, intermediate])])
  ]);
  const outputs = b.op('Mul', [
    b.op('MatMul', [inner, of([experts, intermediate, hidden])]),
    b.op('Reshape', [weights, b.ints([-1, 1, 1])])
  ]);
  return b.over(
    'ReduceSum',
    b.op('Reshape', [outputs, b.ints([-1, topK, hidden])]),
    [1],
    { keepdims: 0 }
  );
};

/**
 * As GShard: the router fills slots of each expert in order of the tokens; those that are left are empty.
 * @param bias of the up projection, with which empty slots are not 0
 */
const slotted =
  (capacity: number, batch: '' | 'b', bias = 0): Mixture =>
  (b, x, size) => {
    const { experts, hidden, intermediate } = size;
    const { selected, weights } = mixtralRouter(b, x, size);
    const chosen = b.op('OneHot', [
      selected,
      b.ints([experts]),
      b.floats([0, 1], [2])
    ]);
    const share = b.over(
      'ReduceSum',
      b.op('Mul', [chosen, b.over('Unsqueeze', weights, [-1])]),
      [1],
      { keepdims: 0 }
    );
    const taken = b.over('ReduceSum', chosen, [1], { keepdims: 0 });
    const before = b.op('CumSum', [taken, b.op('Squeeze', [b.ints([0])])], {
      exclusive: 1
    });
    const slots = b.floats(
      Array.from({ length: capacity }, (_, slot) => slot),
      [capacity]
    );
    const isOf = b.op(
      'Cast',
      [b.op('Equal', [b.over('Unsqueeze', before, [-1]), slots])],
      { to: 1 }
    );
    const batched = (tensor: string): string =>
      batch === '' ? tensor : b.over('Unsqueeze', tensor, [0]);
    const dispatch = batched(
      b.op('Mul', [isOf, b.over('Unsqueeze', taken, [-1])])
    );
    const combine = batched(
      b.op('Mul', [isOf, b.over('Unsqueeze', share, [-1])])
    );
    const einsum = (equation: string, ...inputs: string[]): string =>
      b.op('Einsum', inputs, { equation: equation.replace(/z/g, batch) });
    const up = b.weight([experts, hidden, intermediate]);
    const down = b.weight([experts, intermediate, hidden]);
    const rows = einsum('ztec,zth->ezch', dispatch, batched(x));
    const inner = einsum('ezch,ehi->ezci', rows, up);
    const units = b.op('Relu', [
      bias === 0 ? inner : b.op('Add', [inner, b.floats([bias], [1])])
    ]);
    const outputs = einsum('ezci,eih->ezch', units, down);
    return b.op('Reshape', [
      einsum('ztec,ezch->zth', combine, outputs),
      b.op('Shape', [x])
    ]);
  };

const LAYOUTS: Record<string, Mixture | undefined> = {
  'all experts in one product': undefined,
  'a product for each expert': apart,
  'weights looked up by token': gathered,
  'as many slots as tokens': slotted(IDS.length, ''),
  'more slots than tokens, by sequence': slotted(9, 'b')
};

describe.each(Object.entries(LAYOUTS))('%s', (_, mixture) => {
  const builder = tinyMoE({ ...PLAN, ...(mixture ? { mixture } : {}) });
  const weights = new TinyWeights(builder);
  const last = IDS.length - 1;
  const plain = weights.forward(IDS, TOP_K);
  /** An expert of the last token, and not of the first. */
  const expert = plain.selected[last].find(
    own => !plain.selected[0].includes(own)
  )!;
  const token = 23;
  const target = { kind: 'log-probability', token } as const;
  const place = { layer: 0, expert, target };
  /** By hand: the log-probability with the hidden units of the expert changed. */
  const byHand = (change: (units: readonly number[]) => number[]): number =>
    weights.forward(IDS, TOP_K, {
      hidden: (units, e) => (e === expert ? change(units) : [...units])
    }).logProbabilities[last][token];
  let model: MoEModel;
  beforeAll(async () => {
    model = await loadModel(builder.save());
  });
  afterAll(() => model.dispose());

  it.each<[string, object, (units: readonly number[]) => number[]]>([
    [
      'clamped to 0.7',
      { neurons: [{ neuron: 4, value: 0.7 }] },
      units => units.map((x, i) => (i === 4 ? 0.7 : x))
    ],
    [
      'multiplied, and another clamped',
      {
        neurons: [
          { neuron: 1, factor: 2.5 },
          { neuron: 9, value: -1 }
        ]
      },
      units => units.map((x, i) => (i === 1 ? 2.5 * x : i === 9 ? -1 : x))
    ],
    [
      'steered along a direction',
      {
        steer: {
          vector: Array.from({ length: NEURONS }, (_, i) => i / 10),
          scale: -0.5
        }
      },
      units => units.map((x, i) => x - 0.05 * i)
    ]
  ])('%s, as by hand', async (_name, change, hand) => {
    const found = await model.changeNeurons(IDS, { ...place, ...change });
    const before = byHand(units => [...units]);
    const after = byHand(hand);
    expect(found.before).toBeCloseTo(before, 4);
    expect(found.after).toBeCloseTo(after, 4);
    expect(Math.abs(after - before)).toBeGreaterThan(1e-3);
    expect(found.positions).toEqual(
      plain.selected.flatMap((chosen, t) =>
        chosen.includes(expert) ? [t] : []
      )
    );
  });

  it('ranks neurons by what clamping them does', async () => {
    const found = await model.neuronEffects(IDS, {
      ...place,
      measure: NEURONS
    });
    expect(found.neurons).toHaveLength(NEURONS);
    // The forward by hand computes the experts of each token in turn.
    const units: (readonly number[])[] = [];
    byHand(own => {
      units.push(own);
      return [...own];
    });
    const selecting = plain.selected.flatMap((chosen, t) =>
      chosen.includes(expert) ? [t] : []
    );
    // Not the first ones, which some layouts hold.
    expect(selecting).not.toEqual(selecting.map((__, i) => i));
    for (const { neuron, effect, measured, activation } of found.neurons) {
      expect(activation).toBeCloseTo(
        selecting.reduce((sum, t) => sum + units[t][neuron], 0) /
          selecting.length,
        4
      );
      const hand = (to: (x: number) => number): number =>
        byHand(units => units.map((x, i) => (i === neuron ? to(x) : x))) -
        byHand(units => [...units]);
      expect(measured).toBeCloseTo(
        hand(() => 0),
        4
      );
      // The slope of the first-order effect, by a small step towards 0.
      expect(effect).toBeCloseTo(hand(x => x * (1 - 1e-5)) * 1e5, 3);
    }
    const strengths = found.neurons.map(({ effect }) => Math.abs(effect));
    expect(strengths).toEqual([...strengths].sort((a, b) => b - a));
    expect(strengths[0]).toBeGreaterThan(0.01);
    expect(found.correlation!.n).toBe(NEURONS);
  });

  it('acts on a model with edits', async () => {
    const masked = plain.selected[last].find(own => own !== expert)!;
    const edited = model.with({ ablate: [{ layer: 0, expert: masked }] });
    const change = { neurons: [{ neuron: 4, value: 0.7 }] };
    const found = await edited.changeNeurons(IDS, { ...place, ...change });
    const hand = (clamped: boolean): number =>
      weights.forward(IDS, TOP_K, {
        masked: [masked],
        hidden: (units, e) =>
          units.map((x, i) => (clamped && e === expert && i === 4 ? 0.7 : x))
      }).logProbabilities[last][token];
    expect(found.before).toBeCloseTo(hand(false), 4);
    expect(found.after).toBeCloseTo(hand(true), 4);
    expect(
      Math.abs(found.before - byHand(units => [...units]))
    ).toBeGreaterThan(1e-3);
    const { data } = await edited.neuronEffects(IDS, { ...place, measure: 0 });
    expect(data.notes.join()).toMatch(/1 edit: ablate expert/);
  });

  it('changes nothing without a change', async () => {
    const found = await model.changeNeurons(IDS, place);
    expect(found.effect).toBe(0);
  });
});

const EXPORTED = [
  DEMO,
  ...smallModels().filter(folder =>
    ['phimoe', 'qwen2_moe', 'llama4', 'deepseek_v3'].some(name =>
      basename(folder).includes(name)
    )
  )
];

it('has models of several exporters', () => {
  expect(EXPORTED).toHaveLength(5);
});

describe.each(EXPORTED.map(folder => [basename(folder), folder]))(
  'in %s',
  (_, folder) => {
    it('all neurons at 0 are the expert dropped', async () => {
      const model = await loadModel(folder);
      const ids = [5, 17, 4, 9, 22];
      const [sample] = (await model.trace(ids)).samples;
      const layer = sample.layers.at(-1)!;
      const place = { layer: layer.layer, expert: layer.selected.at(-1)! };
      const token = 11;
      const found = await model.neuronEffects(ids, {
        ...place,
        target: { kind: 'logit', token },
        measure: 0
      });
      const changed = await model.changeNeurons(ids, {
        ...place,
        target: { kind: 'logit', token },
        neurons: found.neurons.map(({ neuron }) => ({ neuron, value: 0 }))
      });
      const logit = async (run: Pick<MoEModel, 'trace'>): Promise<number> => {
        const trace = await run.trace(ids, { logits: 'last' });
        return [...trace.outputLogits.values()][0].data[token];
      };
      expect(changed.before).toBeCloseTo(await logit(model), 3);
      expect(changed.after).toBeCloseTo(
        await logit(model.with({ ablate: [{ ...place, mode: 'drop' }] })),
        3
      );
      expect(Math.abs(changed.effect)).toBeGreaterThan(1e-3);
      await model.dispose();
    });
  }
);

describe('what cannot be', () => {
  let model: MoEModel;
  beforeAll(async () => {
    model = await loadModel(tinyMoE({ ...PLAN }).save());
  });
  afterAll(() => model.dispose());

  it.each<[string, object, string, RegExp]>([
    ['no such expert', { expert: 8 }, 'input', /no expert 8/],
    ['no such layer', { layer: 3 }, 'input', /layer 3/],
    ['no neuron', { neurons: [{ neuron: 12, value: 1 }] }, 'input', /0 to 11/],
    [
      'twice',
      {
        neurons: [
          { neuron: 1, value: 1 },
          { neuron: 1, factor: 1 }
        ]
      },
      'input',
      /changed twice/
    ],
    [
      'not finite',
      { neurons: [{ neuron: 1, value: Infinity }] },
      'input',
      /cannot be changed by Infinity/
    ],
    ['a short vector', { steer: { vector: [1] } }, 'input', /fit 12 neurons/],
    ['a target before it', { position: 0 }, 'input', /./]
  ])('%s', async (_, options, code, message) => {
    const trace = await model.trace(IDS);
    const [{ selected }] = trace.samples[0].layers;
    const expert =
      'position' in options
        ? // One that the first token does not select.
          [...selected].find(e => ![...selected.slice(0, TOP_K)].includes(e))!
        : selected[0];
    const run = model.changeNeurons(IDS, { layer: 0, expert, ...options });
    if ('position' in options) {
      // Later tokens do not reach it: nothing changes.
      expect((await run).effect).toBeCloseTo(0, 5);
      return;
    }
    await expect(run).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string
    });
  });

  it('an expert that no token selects', async () => {
    const { selected } = (await model.trace([7])).samples[0].layers[0];
    const other = [0, 1, 2].find(e => !selected.includes(e))!;
    await expect(
      model.neuronEffects([7], { layer: 0, expert: other })
    ).rejects.toMatchObject({
      code: 'input',
      message: expect.stringMatching(/no token of the prompt selects/) as string
    });
    await expect(
      model.neuronEffects([7], { layer: 0, expert: selected[0], to: NaN })
    ).rejects.toMatchObject({ code: 'input' });
  });

  it('is cancelled, and saved', async () => {
    const stop = new AbortController();
    stop.abort();
    const { selected } = (await model.trace(IDS)).samples[0].layers[0];
    const place = { layer: 0, expert: selected[0] };
    await expect(
      model.neuronEffects(IDS, { ...place, signal: stop.signal })
    ).rejects.toMatchObject({ code: 'cancelled' });
    const found = await model.neuronEffects(IDS, { ...place, measure: 1 });
    const file = join(temporaryFolder(), 'neurons.json');
    await found.save(file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      schema: 'moe-debugger/neurons@1',
      expert: selected[0],
      to: 0
    });
    expect(String(found)).toMatch(
      /clamped to 0 at \d tokens?: change of logit/
    );
  });
});

it('says that the expert does not serve the token of the target', async () => {
  const model = await loadModel(tinyMoE(PLAN).save());
  const { selected } = (await model.trace(IDS)).samples[0].layers[0];
  const last = selected.slice(-TOP_K);
  const expert = selected.find(own => !last.includes(own))!;
  const noted = /every effect is 0: the target is read at token 5, which/;
  const { data } = await model.neuronEffects(IDS, { layer: 0, expert });
  expect(data.notes.join()).toMatch(noted);
  expect(data.neurons).toHaveLength(NEURONS);
  expect(data.neurons.filter(({ effect }) => effect !== 0)).toEqual([]);
  const served = await model.neuronEffects(IDS, { layer: 0, expert: last[0] });
  expect(served.data.notes).toEqual([]);
  await model.dispose();
});

it('refuses rows that may be of no token, by name', async () => {
  const model = await loadModel(
    tinyMoE({ ...PLAN, mixture: slotted(IDS.length, '', 0.5) }).save()
  );
  const { selected } = (await model.trace(IDS)).samples[0].layers[0];
  const expert = selected.at(-1)!;
  await expect(
    model.neuronEffects(IDS, { layer: 0, expert })
  ).rejects.toMatchObject({
    code: 'model-unsupported',
    message: expect.stringMatching(
      /empty rows are not 0.*layer 0, expert \d/
    ) as string
  });
  await model.dispose();
});

it('refuses fused experts by name', async () => {
  const fused: Mixture = (b, x, { experts, hidden, intermediate }: Sizes) => {
    const logits = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
    return b.op(
      'com.microsoft.MoE',
      [
        x,
        logits,
        b.weight([experts, intermediate, hidden]),
        '',
        b.weight([experts, hidden, intermediate])
      ],
      { k: TOP_K, activation_type: 'relu', normalize_routing_weights: 1 }
    );
  };
  const model = await loadModel(tinyMoE({ ...PLAN, mixture: fused }).save());
  await expect(
    model.neuronEffects(IDS, { layer: 0, expert: 1 })
  ).rejects.toMatchObject({
    code: 'model-unsupported',
    message: expect.stringMatching(
      /inside a fused .*MoE node.*layer 0, expert 1/
    ) as string
  });
  await model.dispose();
});
