/**
 * Load balancing: how even the load of planted routers becomes on text that the fit did not see, and what the edit does to
 * weights. Writes its section of docs/analyses.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  balanceLoad,
  loadModel,
  metrics,
  predictBalance,
  type BalanceDocument,
  type BalancePlan,
  type MoEModel
} from '../../src';
import { randomNumbers } from '../../src/base/statistics/random';
import type { RoutingLayer, RoutingSample } from '../../src/base/protocol';
import { expectSection, markdownTable } from '../page';
import { readPlanted } from '../planted-defects';
import { promptsFile, run } from '../run-cli';
import { temporaryFolder } from '../temporary';
import { tinyMoE, type RouterWriter } from '../tiny-moe';
import { zooModel, itWithZoo } from '../zoo';

/** Standard normal numbers (Box and Muller). */
function normals(seed: number): () => number {
  const random = randomNumbers(seed);
  return () =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

interface Size {
  experts: number;
  topK: number;
  tokens: number;
}

/** A trace of one layer: logits are normal, with offsets of the experts of this standard deviation. */
function traceOf(
  { experts, topK, tokens }: Size,
  spread: number,
  seed: number,
  samples = 20
): { samples: RoutingSample[] } {
  const normal = normals(seed);
  const offsets = Array.from({ length: experts }, () => spread * normal());
  return {
    samples: Array.from({ length: samples }, (_, i): RoutingSample => {
      const own = Math.floor(tokens / samples);
      const logits = Float32Array.from(
        { length: own * experts },
        (__, at) => normal() + offsets[at % experts]
      );
      return {
        id: String(i),
        tokens: Array.from({ length: own }, (__, position) => ({
          id: position,
          text: 'x'
        })) as unknown as RoutingSample['tokens'],
        layers: [layerOf(logits, experts, topK)]
      };
    })
  };
}

function layerOf(
  logits: Float32Array,
  experts: number,
  topK: number
): RoutingLayer {
  const selected = Array.from(
    { length: logits.length / experts },
    (_, t): number[] => best(logits.subarray(t * experts), experts, topK)
  ).flat();
  return {
    layer: 0,
    experts,
    topK,
    score: 'softmax',
    logitsAre: 'logits',
    logits,
    selected: Int32Array.from(selected),
    weights: new Float32Array()
  } as RoutingLayer;
}

/** The k experts with the largest values, by sorting. */
function best(
  values: ArrayLike<number>,
  experts: number,
  topK: number
): number[] {
  return Array.from({ length: experts }, (_, e) => e)
    .sort((a, b) => values[b] - values[a] || a - b)
    .slice(0, topK);
}

function softmax(row: ArrayLike<number>): number[] {
  const exps = Array.from(row, value => Math.exp(value));
  const total = exps.reduce((sum, value) => sum + value, 0);
  return exps.map(value => value / total);
}

const SIZES: Size[] = [
  { experts: 8, topK: 2, tokens: 1000 },
  { experts: 16, topK: 4, tokens: 1000 },
  { experts: 64, topK: 8, tokens: 2000 }
];
const RUNS = 10;
const FEW_RUNS = 40;
const TARGET = 0.95;

it('is what docs/analyses.md says', () => {
  const rows: string[][] = [
    [
      'experts',
      'top-k',
      'tokens',
      'Jain, planted',
      'with biases',
      'reached 0.95',
      'balanced routers that got biases'
    ]
  ];
  SIZES.forEach((size, s) => {
    const planted = Array.from(
      { length: RUNS },
      (_, i) => predictBalance(traceOf(size, 1.5, 1000 * s + i)).layers[0]
    );
    const balanced = Array.from(
      { length: RUNS },
      (_, i) => predictBalance(traceOf(size, 0, 1000 * s + 500 + i)).layers[0]
    );
    const median = (values: number[]): string =>
      values.sort((a, b) => a - b)[RUNS / 2].toFixed(3);
    const reached = planted.filter(({ after }) => after.jain! >= TARGET).length;
    const alarms = balanced.filter(({ bias }) => bias !== null).length;
    expect(reached).toBeGreaterThanOrEqual(0.95 * RUNS);
    expect(alarms).toBe(0);
    rows.push([
      String(size.experts),
      String(size.topK),
      String(size.tokens),
      median(planted.map(({ before }) => before.jain!)),
      median(planted.map(({ after }) => after.jain!)),
      `${reached} of ${RUNS}`,
      `${alarms} of ${RUNS}`
    ]);
  });
  // Of so few tokens the load is uneven by chance.
  const few = Array.from(
    { length: FEW_RUNS },
    (_, i) =>
      predictBalance(traceOf({ experts: 8, topK: 2, tokens: 80 }, 0, i + 1))
        .layers[0]
  );
  const uneven = few.filter(({ fittedJain }) => fittedJain! < TARGET);
  const left = uneven.filter(({ note }) =>
    /not fitted to: Jain 0\.\d+ -> 0\.\d+/.test(note ?? '')
  );
  const biased = uneven.filter(({ bias }) => bias !== null);
  expect(uneven.length).toBeGreaterThan(FEW_RUNS / 2);
  expect(biased.length).toBeLessThanOrEqual(FEW_RUNS / 10);
  expect(left.length + biased.length).toBe(uneven.length);
  expectSection(
    'analyses.md',
    'load balancing',
    `Planted: normal logits of one layer, with an offset of each expert of standard deviation 1.5; balanced: without offsets.
\`predictBalance\` fits biases to every second of 20 texts; the Jain index is that of the other texts, its median over
${RUNS} seeds. A balanced router must get no biases.

${markdownTable(rows)}

Of ${FEW_RUNS} balanced routers (8 experts, k = 2) with 80 tokens, ${uneven.length} were below the target in the fitted half, by chance; ${biased.length} got
biases. The others were left alone, since biases fitted to one half of these texts did not make the other half more even.`
  );
});

describe('the planted imbalance of a model', () => {
  const folder = zooModel('defect-imbalance');
  itWithZoo(folder !== undefined, 'is gone on held-out text', async () => {
    const random = randomNumbers(7);
    const planted = readPlanted(folder!).defects.find(
      ({ kind }) => kind === 'load-imbalance'
    )!;
    const model = await loadModel(folder!);
    const plan = await balanceLoad(
      model,
      Array.from({ length: 24 }, () => ({
        inputIds: Array.from(
          { length: 48 },
          () => 3 + Math.floor(random() * 250)
        )
      }))
    );
    const layer = plan.layers.find(own => own.layer === planted.layer)!;
    expect(layer.before.jain).toBeLessThan(0.4);
    expect(layer.after.jain).toBeGreaterThanOrEqual(TARGET);
    expect(layer.place).toBe('selection');
    expect(layer.after.capacityFactor!).toBeLessThan(
      layer.before.capacityFactor!
    );
    expect(plan.effect!.all.kl).toBeGreaterThan(0);
    await model.dispose();
  });
});

const VOCABULARY = 50;
const EXPERTS = 8;

/** Offsets of the logits, by which experts 0 and 1 take most tokens. */
const OFFSETS = [3, 2.5, 0, 0, 0, 0, 0, -1];

/** The logits of a router with offsets, and its softmax. */
const scored = (
  b: Parameters<RouterWriter>[0],
  x: string,
  { experts, hidden }: Parameters<RouterWriter>[2]
): { logits: string; scores: string } => {
  const logits = b.op('Add', [
    b.op('MatMul', [x, b.weight([hidden, experts], 2)]),
    b.floats(Float32Array.from(OFFSETS), [experts])
  ]);
  return { logits, scores: b.op('Softmax', [logits], { axis: -1 }) };
};

const FORMS: Record<string, RouterWriter> = {
  'softmax, top-k, renormalise': (b, x, size) => {
    const [values, selected] = b.many(
      'TopK',
      [scored(b, x, size).scores, b.ints([size.topK])],
      2
    );
    const sum = b.over('ReduceSum', values, [-1], { keepdims: 1 });
    return { selected, weights: b.op('Div', [values, sum]) };
  },
  'softmax, top-k': (b, x, size) => {
    const [weights, selected] = b.many(
      'TopK',
      [scored(b, x, size).scores, b.ints([size.topK])],
      2
    );
    return { selected, weights };
  },
  'top-k, softmax': (b, x, size) => {
    const [values, selected] = b.many(
      'TopK',
      [scored(b, x, size).logits, b.ints([size.topK])],
      2
    );
    return { selected, weights: b.op('Softmax', [values], { axis: -1 }) };
  }
};

function texts(count: number, seed = 3): { inputIds: number[] }[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () => ({
    inputIds: Array.from({ length: 40 }, () =>
      Math.floor(random() * VOCABULARY)
    )
  }));
}

const withModel = async <T>(
  router: RouterWriter,
  use: (model: MoEModel) => Promise<T>,
  sizes: object = {}
): Promise<T> => {
  const model = await loadModel(tinyMoE({ router, ...sizes }).save());
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
};

describe.each(Object.entries(FORMS))('a router of %s', (form, router) => {
  it('selects by the biased scores and weighs by the others', () =>
    withModel(router, async model => {
      const value = form === 'top-k, softmax' ? -2.5 : -0.4;
      const biased = await model
        .with({ selectionBias: [{ layer: 0, expert: 0, value }] })
        .trace(texts(2));
      const plain = await model.trace(texts(2));
      const [{ logits, selected, weights, topK }] = biased.samples[0].layers;
      let changed = 0;
      for (let t = 0; t < selected.length / topK; t++) {
        const row = logits.subarray(t * EXPERTS, (t + 1) * EXPERTS);
        const probabilities = softmax(row);
        const compared = form === 'top-k, softmax' ? [...row] : probabilities;
        const wanted = best(
          compared.map((own, e) => own + (e === 0 ? value : 0)),
          EXPERTS,
          topK
        );
        const total =
          form === 'softmax, top-k'
            ? 1
            : wanted.reduce((sum, e) => sum + probabilities[e], 0);
        const own = [...selected.subarray(t * topK, (t + 1) * topK)];
        expect([...own].sort()).toEqual([...wanted].sort());
        own.forEach((expert, slot) =>
          expect(weights[t * topK + slot]).toBeCloseTo(
            probabilities[expert] / total,
            5
          )
        );
        const before = plain.samples[0].layers[0].selected;
        changed += own.some(
          expert => !before.subarray(t * topK, (t + 1) * topK).includes(expert)
        )
          ? 1
          : 0;
      }
      expect(changed).toBeGreaterThan(0);
    }));

  it('is balanced on held-out text, and says the cost', () =>
    withModel(router, async model => {
      const prompts = texts(24);
      const plan = await balanceLoad(model, prompts);
      expect(plan.layers).toHaveLength(2);
      // What the plan says is what the model with its edits does.
      const heldOut = prompts.filter((_, i) => i % 2 === 1);
      const tried = await model.with(plan.edits).trace(heldOut);
      plan.layers.forEach((layer, i) => {
        expect(layer.before.jain).toBeLessThan(0.9);
        expect(layer.after.jain).toBeGreaterThanOrEqual(TARGET);
        expect(layer.place).toBe('selection');
        const counts = new Array<number>(EXPERTS).fill(0);
        tried.samples.forEach(({ layers }) =>
          layers[i].selected.forEach(expert => counts[expert]++)
        );
        expect(layer.after.counts).toEqual(counts);
        expect(metrics.jainIndex(counts)).toBeCloseTo(layer.after.jain!, 12);
      });
      expect(plan.effect!.all.tokens).toBe(12 * 39);
      expect(plan.effect!.all.kl).toBeGreaterThan(0);
    }));
});

const PLAIN = FORMS['softmax, top-k, renormalise'];

it('adds biases to the logits where it is asked to', () =>
  withModel(PLAIN, async model => {
    const plan = await balanceLoad(model, texts(24), { place: 'logits' });
    expect(plan.layers.map(({ place }) => place)).toEqual(['logits', 'logits']);
    expect(plan.layers[0].after.jain).toBeGreaterThan(
      plan.layers[0].before.jain!
    );
    expect(plan.edits.selectionBias).toBeUndefined();
    expect(plan.toString()).toContain('of the logits, thus of weights too');
  }));

it('leaves a layer alone that biases do not help, and warns of one that others make worse', () =>
  withModel(PLAIN, async model => {
    // Layer 1 is nearly even, and reads what the biases of layer 0 change.
    const plan = await balanceLoad(model, texts(12), { place: 'logits' });
    plan.layers.forEach((layer, i) => {
      const isWorse = layer.after.jain! < layer.before.jain!;
      expect(
        plan.warnings.some(warning =>
          warning.startsWith(`layer ${i} is less even on held-out prompts`)
        )
      ).toBe(isWorse);
      expect(layer.bias === null).toBe(layer.place === null);
      expect(layer.bias !== null || layer.note !== null).toBe(true);
    });
    expect(plan.layers).toHaveLength(2);
    // One text a domain is fitted: its first half stands for what the second is tried on.
    const few = await balanceLoad(model, [
      ...texts(2, 5).map(own => ({ ...own, domain: 'a' })),
      ...texts(2, 6).map(own => ({ ...own, domain: 'b' }))
    ]);
    expect(
      few.layers.map(({ bias, note }) => bias !== null || note !== null)
    ).toEqual([true, true]);
  }));

describe('a defined answer to odd input', () => {
  it.each([
    ['every expert is selected', { topK: 8 }],
    ['two experts, one a token', { experts: 2, topK: 1 }]
  ])('%s', (_, sizes) =>
    withModel(
      (b, x, size) => {
        const { experts, hidden, topK } = size;
        const [values, selected] = b.many(
          'TopK',
          [
            b.op(
              'Softmax',
              [b.op('MatMul', [x, b.weight([hidden, experts])])],
              {
                axis: -1
              }
            ),
            b.ints([topK])
          ],
          2
        );
        return { selected, weights: values };
      },
      async model => {
        const plan = await balanceLoad(model, texts(4));
        expect(plan.layers).toHaveLength(2);
        expect(
          plan.layers.map(({ bias, note }) => bias !== null || note !== null)
        ).toEqual([true, true]);
        if (sizes.topK === 8) {
          expect(plan.layers[0].note).toBe('each token selects every expert');
          expect(plan.edits).toEqual({});
          expect(plan.effect!.all.kl).toBeCloseTo(0, 9);
        }
      },
      sizes
    )
  );

  it('one text, one token, no prompts, an invalid target', () =>
    withModel(PLAIN, async model => {
      await expect(balanceLoad(model, texts(1))).rejects.toMatchObject({
        code: 'input',
        message: expect.stringContaining('next token') as string
      });
      await expect(
        balanceLoad(model, [{ inputIds: [3] }, { inputIds: [4] }])
      ).rejects.toMatchObject({ code: 'input' });
      await expect(balanceLoad(model, [])).rejects.toMatchObject({
        code: 'input'
      });
      await expect(
        balanceLoad(model, texts(2), { target: 2 })
      ).rejects.toMatchObject({ code: 'input' });
      const stopped = new AbortController();
      stopped.abort();
      await expect(
        balanceLoad(model, texts(2), { signal: stopped.signal })
      ).rejects.toMatchObject({ code: 'cancelled' });
    }));

  it('a trace without logits says so, one sample is an error', () => {
    const { samples } = traceOf(SIZES[0], 1.5, 1);
    const without = samples.map(sample => ({
      ...sample,
      layers: sample.layers.map(layer => ({
        ...layer,
        logits: new Float32Array()
      }))
    }));
    const [layer] = predictBalance({ samples: without }).layers;
    expect(layer.bias).toBeNull();
    expect(layer.note).toBe('the trace has no logits of it');
    expect(() => predictBalance({ samples: samples.slice(0, 1) })).toThrow(
      'no sample of the trace is held out'
    );
  });
});

describe('the result', () => {
  let plan: BalancePlan;
  beforeAll(async () => {
    plan = await withModel(PLAIN, model => balanceLoad(model, texts(12)));
  });

  it('has loads of devices and a drop curve', () => {
    const [{ devices, before }] = plan.layers;
    const total = (loads: number[]): number =>
      loads.reduce((sum, load) => sum + load, 0);
    expect(total(devices.replicated)).toBeCloseTo(total(before.counts), 6);
    expect(Math.max(...devices.replicated)).toBeLessThan(
      Math.max(...devices.before)
    );
    expect(Math.max(...devices.biased)).toBeLessThan(
      Math.max(...devices.before)
    );
    const { capacity, capacityFactor } = before;
    const drops = capacity.map(({ dropped }) => dropped);
    expect(drops).toEqual([...drops].sort((a, b) => b - a));
    expect(drops.at(-1)).toBe(0);
    expect(
      capacity.find(({ factor }) => factor === capacityFactor)!.dropped
    ).toBeLessThan(0.01);
  });

  it('is saved, and has a picture', async () => {
    expect(JSON.stringify(plan.spec)).toContain('load / mean');
    const file = join(temporaryFolder(), 'plan.json');
    await plan.save(file);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(plan))
    );
    await expect(plan.save('plan.txt')).rejects.toMatchObject({
      code: 'input'
    });
  });
});

it('counts the slots that a capacity drops', () => {
  // Two batches of 4 slots on 2 experts: capacity 2 at a factor of 1, so the first drops 1 of 8, the second none.
  expect(
    metrics.capacityCurve(
      [
        [3, 1],
        [2, 2]
      ],
      1
    )
  ).toEqual([
    { factor: 1, dropped: 1 / 8 },
    { factor: 1.05, dropped: 0 }
  ]);
  expect(metrics.capacityCurve([], 1)).toEqual([]);
});

it('prints one JSON document', async () => {
  const { code, stdout, stderr } = await run([
    'balance',
    tinyMoE({ router: PLAIN, layers: 1 }).save(),
    '--prompts',
    promptsFile(
      ...texts(8).map(({ inputIds }, i) => ({
        id: String(i),
        input_ids: inputIds
      }))
    ),
    '--json'
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { schema, load, layers } = JSON.parse(stdout) as BalanceDocument;
  expect(schema).toBe('moe-debugger/balance@1');
  expect(load).toBe('measured');
  expect(layers[0].after.jain).toBeGreaterThan(layers[0].before.jain!);
});
