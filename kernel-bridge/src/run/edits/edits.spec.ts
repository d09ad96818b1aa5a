import { join } from 'node:path';
import { Engine } from '../engine/engine';
import type { GraphBuilder } from '../../../test/graph-builder';
import { tinyMoE, type RouterWriter } from '../../../test/tiny-moe';
import { ELEMENT } from '../../onnx/file/schema';
import { loadModel } from '../../api/load-model';
import type { MoEModel } from '../../api/moe-model';
import type { RoutingTrace } from '../trace/routing-trace';
import type { Edits } from './edits';

const IDS = [3, 14, 15, 9, 26, 5, 35, 8];
const models: MoEModel[] = [];

async function load(graph: GraphBuilder): Promise<MoEModel> {
  const model = await loadModel(graph.save());
  models.push(model);
  return model;
}

function logitsOf(trace: RoutingTrace): Float32Array {
  return [...trace.outputLogits.values()][0].data;
}

/** Positions whose output differs. */
function changed(a: RoutingTrace, b: RoutingTrace, by = 0): number[] {
  const [x, y] = [logitsOf(a), logitsOf(b)];
  const width = x.length / IDS.length;
  return IDS.map((_, t) => t).filter(t =>
    x
      .subarray(t * width, (t + 1) * width)
      .some((value, i) => Math.abs(value - y[t * width + i]) > by)
  );
}

/** Positions of the last layer's tokens that select an expert. */
function chose(trace: RoutingTrace, expert: number): number[] {
  const { selected, topK } = trace.samples[0].layers.at(-1)!;
  return IDS.map((_, t) => t).filter(t =>
    selected.subarray(t * topK, (t + 1) * topK).includes(expert)
  );
}

afterAll(() => Promise.all(models.map(model => model.dispose())));

describe('edits of a decoder', () => {
  let model: MoEModel;
  let plain: RoutingTrace;
  const run = (edits: Edits): Promise<RoutingTrace> =>
    model.with(edits).trace(IDS, { logits: 'all' });

  beforeAll(async () => {
    model = await load(tinyMoE());
    plain = await model.trace(IDS, { logits: 'all' });
  });

  it('change nothing when there are none', async () => {
    const same = await run({});
    expect(logitsOf(same)).toEqual(logitsOf(plain));
    expect(same.samples[0].layers).toEqual(plain.samples[0].layers);
    expect(same.edits).toEqual([]);
  });

  it('change exactly the tokens that select a dropped expert', async () => {
    const expert = plain.samples[0].layers[1].selected[0];
    const dropped = await run({ ablate: [{ layer: 1, expert, mode: 'drop' }] });
    expect(changed(plain, dropped)).toEqual(chose(plain, expert));
    expect(dropped.edits).toEqual([
      { kind: 'ablate', layer: 1, expert, mode: 'drop' }
    ]);
  });

  it('select a substitute where an expert is masked', async () => {
    const expert = plain.samples[0].layers[1].selected[0];
    const masked = await run({ ablate: [{ layer: 1, expert }] });
    // A softmax over fewer experts rounds differently.
    expect(changed(plain, masked, 1e-5)).toEqual(chose(plain, expert));
    expect(chose(masked, expert)).toEqual([]);
  });

  it('apply only to the tokens of a range', async () => {
    const forced = await run({
      force: [{ layer: 1, expert: 4, tokens: [2, 5] }]
    });
    expect(changed(plain, forced)).toEqual([2, 3, 4]);
    const { selected, weights } = forced.samples[0].layers[1];
    expect([...selected.subarray(4, 6)]).toEqual([4, 5]);
    expect([...weights.subarray(4, 6)]).toEqual([1, 0]);
  });

  it('force an expert, like a bias that makes it the only choice at top-1', async () => {
    const forced = await run({ force: [{ layer: 1, expert: 4 }] });
    const biased = await run({
      bias: [{ layer: 1, expert: 4, value: 1e4 }],
      topK: [{ layer: 1, k: 1 }]
    });
    logitsOf(forced).forEach((value, i) =>
      expect(value).toBeCloseTo(logitsOf(biased)[i], 5)
    );
  });

  it('with top-k of all experts, equal the dense mixture', async () => {
    // The same weights without a selection: every expert at its softmax weight.
    const dense: RouterWriter = (b, x, { hidden, experts }) => {
      const weights = b.op(
        'Softmax',
        [b.op('MatMul', [x, b.weight([hidden, experts], 2)])],
        { axis: -1 }
      );
      const selected = b.op('Expand', [
        b.ints([...Array(experts).keys()], [1, experts]),
        b.op('Shape', [weights])
      ]);
      return { selected, weights };
    };
    const folder = tinyMoE({ router: dense }).save();
    const session = await Engine.shared().createSession({
      path: join(folder, 'model.onnx'),
      folder
    });
    const { outputs } = await session.run(
      {
        input_ids: {
          type: 'int64',
          dims: [1, IDS.length],
          data: BigInt64Array.from(IDS, BigInt)
        }
      },
      ['logits']
    );
    await session.release();
    const all = await run({ topK: 8 });
    expect(all.samples[0].layers[0].topK).toBe(8);
    (outputs.logits.data as Float32Array).forEach((value, i) =>
      expect(logitsOf(all)[i]).toBeCloseTo(value, 5)
    );
  });

  it('apply to generated tokens', async () => {
    const edits: Edits = { force: [{ layer: 0, expert: 6, tokens: [4] }] };
    const { trace } = await model
      .with(edits)
      .generate(IDS, { maxNewTokens: 3 });
    const { selected, weights } = trace.samples[0].layers[0];
    expect(selected.length).toBe(2 * (IDS.length + 3));
    for (let slot = 0; slot < selected.length; slot += 2) {
      expect(selected[slot] === 6 && weights[slot] === 1).toBe(slot >= 8);
    }
    expect(trace.toJSON().edits).toEqual([
      { kind: 'force', layer: 0, expert: 6, tokens: [4] }
    ]);
  });

  it('mask an expert whose router computes in half precision', async () => {
    const half: RouterWriter = (b, x, { hidden, experts, topK }) => {
      const logits = b.op(
        'Cast',
        [b.op('MatMul', [x, b.weight([hidden, experts], 2)])],
        { to: ELEMENT.float16 }
      );
      const [values, selected] = b.many(
        'TopK',
        [b.op('Softmax', [logits], { axis: -1 }), b.ints([topK])],
        2
      );
      const weights = b.op('Cast', [values], { to: ELEMENT.float });
      return { selected, weights };
    };
    const ours = await load(tinyMoE({ router: half }));
    const before = await ours.trace(IDS, { logits: 'all' });
    const expert = before.samples[0].layers[1].selected[0];
    const masked = await ours
      .with({ ablate: [{ layer: 1, expert }] })
      .trace(IDS, { logits: 'all' });
    expect(chose(masked, expert)).toEqual([]);
    expect(logitsOf(masked).every(Number.isFinite)).toBe(true);
    expect(chose(before, expert)).toEqual(
      expect.arrayContaining(changed(before, masked, 1e-2))
    );
  });

  it.each<[string, Edits, RegExp]>([
    [
      'a layer',
      { force: [{ layer: 7, expert: 0 }] },
      /layer 7 has no router.*layer 0, layer 1/
    ],
    [
      'an expert',
      { ablate: [{ layer: 1, expert: 8 }] },
      /no expert 8 \(layer 1\).*0 to 7/
    ],
    [
      'a k of 0',
      { topK: 0 },
      /invalid top-0 of 8 experts \(layer 0\): give 1 to 8/
    ],
    [
      'a k above E',
      { topK: [{ layer: 1, k: 9 }] },
      /invalid top-9.*\(layer 1\)/
    ],
    [
      'a bias',
      { bias: [{ layer: 0, expert: 1, value: 1e39 }] },
      /invalid bias 1e\+39 .*fits into float32/
    ],
    [
      'a range',
      { force: [{ layer: 0, expert: 1, tokens: [3, 3] }] },
      /\[3,3\] are not a valid range/
    ],
    [
      'a range that begins before the text',
      { force: [{ layer: 0, expert: 1, tokens: [-1, 3] }] },
      /\[-1,3\] are not a valid range/
    ],
    [
      'a substitute',
      { ablate: [{ layer: 0, expert: 1, mode: 'swap' }] },
      /needs an expert to run instead/
    ],
    [
      'experts all masked',
      {
        ablate: [0, 1, 2, 3, 4, 5, 6, 7].map(expert => ({ layer: 0, expert }))
      },
      /every expert is masked \(layer 0\)/
    ],
    [
      'too few left',
      { ablate: [0, 1, 2, 3].map(expert => ({ layer: 0, expert })), topK: 5 },
      /4 experts are left where each token selects 5 \(layer 0\)/
    ],
    [
      'a contradiction',
      {
        force: [{ layer: 0, expert: 1, tokens: [4] }],
        ablate: [{ layer: 0, expert: 1 }]
      },
      /contradict each other: expert 1 alone and without it \(layer 0\)/
    ],
    [
      'two biases of one expert',
      {
        bias: [
          { layer: 1, expert: 3, value: 2 },
          { layer: 1, expert: 3, value: 5, tokens: [4] }
        ]
      },
      /contradict each other: a bias of 2 and a bias of 5 of expert 3 \(layer 1\)/
    ],
    [
      'two scales of one expert',
      {
        scale: [
          { layer: 0, expert: 3, factor: 2 },
          { layer: 0, expert: 3, factor: 2 }
        ]
      },
      /contradict each other: a scale of 2 and a scale of 2 of expert 3/
    ],
    [
      'a bias where another expert is forced',
      {
        force: [{ layer: 0, expert: 1, tokens: [2] }],
        bias: [{ layer: 0, expert: 4, value: 3, tokens: [2, 5] }]
      },
      /a bias of expert 4 has no effect where expert 1 is forced \(layer 0\)/
    ],
    [
      'a scale where another expert is forced',
      {
        force: [{ layer: 0, expert: 1 }],
        scale: [{ layer: 0, expert: 4, factor: 3 }]
      },
      /a scale of expert 4 has no effect where expert 1 is forced/
    ],
    [
      'a mask where another expert is forced',
      {
        force: [{ layer: 0, expert: 1 }],
        ablate: [{ layer: 0, expert: 4 }]
      },
      /mask of expert 4 has no effect where expert 1 is forced/
    ],
    [
      'what the graph does not support',
      { ablate: [{ layer: 0, expert: 1, mode: 'swap', to: 2 }] },
      /does not support ablate by swap.*laid out by expert.*it supports/
    ]
  ])('are rejected before anything runs: %s', (_, edits, message) => {
    expect(() => model.with(edits)).toThrow(
      expect.objectContaining({
        name: 'MoEDebuggerError',
        code: 'edit',
        message: expect.stringMatching(message) as string
      }) as Error
    );
  });
});

describe('steering', () => {
  const WIDTH = 16;
  const vector = Array.from({ length: WIDTH }, (_, i) => (i % 3) - 1);

  it('adds to the output of a layer, at the tokens of a range', async () => {
    const model = await load(tinyMoE());
    const plain = await model.trace(IDS, { logits: 'all' });
    const run = (edits: Edits): Promise<RoutingTrace> =>
      model.with(edits).trace(IDS, { logits: 'all' });
    const steered = await run({
      steer: [{ layer: 1, vector, scale: 2, tokens: [3, 5] }]
    });
    expect(changed(plain, steered)).toEqual([3, 4]);
    // Its router reads the stream before the addition; that of the next layer reads it afterwards.
    expect(steered.samples[0].layers).toEqual(plain.samples[0].layers);
    const earlier = await run({ steer: [{ layer: 0, vector }] });
    const [first, second] = earlier.samples[0].layers;
    expect(first).toEqual(plain.samples[0].layers[0]);
    expect(second.logits).not.toEqual(plain.samples[0].layers[1].logits);
    expect(steered.edits).toEqual([
      {
        kind: 'steer',
        layer: 1,
        scale: 2,
        norm: Math.hypot(...vector),
        tokens: [3, 5]
      }
    ]);
    const nothing = await run({ steer: [{ layer: 1, vector, scale: 0 }] });
    expect(logitsOf(nothing)).toEqual(logitsOf(plain));
    const twice = await run({
      steer: [
        { layer: 1, vector, tokens: [3, 5] },
        { layer: 1, vector, tokens: [3, 5] }
      ]
    });
    expect(changed(twice, steered, 1e-5)).toEqual([]);
  });

  it('at the last block moves the logits by the head applied to the vector', async () => {
    const model = await load(tinyMoE({ norms: false }));
    const at = async (scale: number): Promise<Float32Array> =>
      logitsOf(
        await model
          .with({ steer: [{ layer: 1, vector, scale }] })
          .trace(IDS, { logits: 'all' })
      );
    // Without a norm the head is linear: equal steps move its logits equally.
    const [zero, one, two] = [await at(0), await at(1), await at(2)];
    expect(Math.max(...one.map((value, i) => value - zero[i]))).toBeGreaterThan(
      0.1
    );
    one.forEach((value, i) =>
      expect(two[i] - value).toBeCloseTo(value - zero[i], 3)
    );
  });

  it.each<[string, Edits, RegExp]>([
    [
      'a layer',
      { steer: [{ layer: 5, vector }] },
      /no layer 5 to steer.*layer 0, layer 1/
    ],
    [
      'a width',
      { steer: [{ layer: 1, vector: [1, 2] }] },
      /2 values does not fit a residual stream of width 16 \(layer 1\): give 16/
    ],
    [
      'a value',
      { steer: [{ layer: 1, vector, scale: Infinity }] },
      /not finite \(layer 1\)/
    ],
    [
      'a range',
      { steer: [{ layer: 1, vector, tokens: [4, 4] }] },
      /\[4,4\] are not a valid range/
    ]
  ])('is rejected if invalid: %s', async (_, edits, message) => {
    const model = await load(tinyMoE());
    expect(() => model.with(edits)).toThrow(message);
  });
});

describe('scaling an expert', () => {
  it('multiplies its weight at the tokens that select it', async () => {
    const model = await load(tinyMoE());
    const plain = await model.trace(IDS, { logits: 'all' });
    const expert = plain.samples[0].layers[1].selected[0];
    const scaled = await model
      .with({ scale: [{ layer: 1, expert, factor: 0.25 }] })
      .trace(IDS, { logits: 'all' });
    expect(changed(plain, scaled)).toEqual(chose(plain, expert));
    const [before, after] = [plain, scaled].map(
      ({ samples }) => samples[0].layers[1]
    );
    before.selected.forEach((own, slot) =>
      expect(after.weights[slot]).toBeCloseTo(
        before.weights[slot] * (own === expert ? 0.25 : 1),
        6
      )
    );
    expect(() =>
      model.with({
        scale: [{ layer: 1, expert, factor: 2 }],
        ablate: [{ layer: 1, expert, mode: 'drop' }]
      })
    ).toThrow(/a scale of expert \d and without it/);
  });
});
