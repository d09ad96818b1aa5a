/**
 * Compression plans of models with planted copies, look-alikes and super experts, and of models without. Writes its section
 * of docs/analyses.md.
 */
import { readFileSync } from 'node:fs';
import {
  compressionPlan,
  loadModel,
  type CompressionDocument,
  type CompressionOptions,
  type CompressionPlan
} from '../../src';
import type { LayerPlan } from '../../src/analyses/compression';
import { WeightPairs } from '../../src/analyses/compression/expert-likeness';
import { LayerObservation } from '../../src/analyses/compression/layer-observation';
import { planLayer } from '../../src/analyses/compression/plan-layer';
import { superExperts } from '../../src/analyses/compression/super-experts';
import type { RoutingLayer } from '../../src/base/protocol';
import { randomNumbers } from '../../src/base/statistics/random';
import type { Router } from '../../src/routing/convention';
import { inlineValues } from '../../src/onnx/file/tensor';
import type { GraphBuilder } from '../graph-builder';
import { expectSection, markdownTable } from '../page';
import { promptsFile, run } from '../run-cli';
import { tinyMoE } from '../tiny-moe';
import { itWithZoo, zooModel } from '../zoo';

const [HIDDEN, INTERMEDIATE, VOCABULARY] = [20, 12, 50];
const LENGTH = HIDDEN * INTERMEDIATE;

interface Size {
  experts: number;
  topK: number;
  tokens: number;
}

const SIZES: Size[] = [
  { experts: 8, topK: 2, tokens: 240 },
  { experts: 16, topK: 4, tokens: 480 },
  { experts: 32, topK: 4, tokens: 960 }
];
const SEEDS = Array.from({ length: 10 }, (_, i) => i + 1);
const MODEL_SEEDS = [1, 2, 3];

const COPIES = [0, 1];
const SAME_TOKENS = [2, 3];
const SAME_WEIGHTS = [4, 5];
const SUPER = 6;

interface Planted {
  /** Standard deviation of what copies differ by, over that of the weights. */
  noise: number;
  /** By what the outputs of an expert are multiplied. */
  factor: number;
}

/** What is planted, from little to much. */
const STRENGTHS: Planted[] = [
  { noise: 0.2, factor: 3 },
  { noise: 0.07, factor: 10 },
  { noise: 0.02, factor: 100 }
];

/** Weights of a layer: [hidden, E], [E, hidden, intermediate], [E, intermediate, hidden]. */
interface Weights {
  router: Float32Array;
  up: Float32Array;
  down: Float32Array;
}

function plant(
  { router, up, down }: Weights,
  { experts }: Size,
  { noise, factor }: Planted,
  seed: number
): void {
  const random = randomNumbers(seed + 100);
  // Weights are uniform; noise is too.
  const noisy = (value: number, scale: number): number =>
    value + scale * (2 * random() - 1);
  for (const values of [up, down]) {
    for (const [from, to] of [COPIES, SAME_WEIGHTS]) {
      for (let i = 0; i < LENGTH; i++) {
        values[to * LENGTH + i] = noisy(values[from * LENGTH + i], noise);
      }
    }
  }
  for (let i = 0; i < LENGTH; i++) {
    down[SUPER * LENGTH + i] *= factor;
  }
  for (let d = 0; d < HIDDEN; d++) {
    const row = d * experts;
    for (const [from, to] of [COPIES, SAME_TOKENS]) {
      router[row + to] = noisy(router[row + from], 0.05);
    }
    router[row + SAME_WEIGHTS[1]] = -router[row + SAME_WEIGHTS[0]];
  }
}

/** A plan of a layer that is computed in plain loops. @param planted nothing where undefined */
function layerPlan(size: Size, seed: number, planted?: Planted): LayerPlan {
  const { experts, topK, tokens } = size;
  const random = randomNumbers(seed);
  const uniform = (length: number, scale = 1): Float32Array =>
    Float32Array.from({ length }, () => scale * (2 * random() - 1));
  const weights: Weights = {
    router: uniform(HIDDEN * experts),
    up: uniform(experts * LENGTH),
    down: uniform(experts * LENGTH)
  };
  if (planted) {
    plant(weights, size, planted, seed);
  }
  const router = {
    layer: 0,
    experts,
    topK,
    tensors: { logitsAre: 'logits' },
    // Not NAEE's own convention, so that no sets of experts are tried: they do not matter here.
    convention: {
      score: 'softmax',
      scoreBeforeTopK: true,
      renormalized: false
    }
  } as unknown as Router;
  // As plans have it: all experts of small layers are run, of others the selected ones.
  const every = experts <= 16;
  const layer: RoutingLayer = {
    layer: 0,
    experts,
    topK,
    score: 'softmax',
    logitsAre: 'logits',
    logits: new Float32Array(tokens * experts),
    selected: new Int32Array(tokens * topK),
    weights: new Float32Array(tokens * topK)
  };
  const columns = every ? experts : topK;
  const values = new Float32Array(tokens * columns * HIDDEN);
  for (let t = 0; t < tokens; t++) {
    const x = uniform(HIDDEN, 2);
    const logits = Array.from({ length: experts }, (_, e) =>
      x.reduce(
        (sum, value, d) => sum + value * weights.router[d * experts + e],
        0
      )
    );
    const chosen = logits
      .map((logit, e) => ({ logit, e }))
      .sort((a, b) => b.logit - a.logit)
      .slice(0, topK);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    layer.logits.set(logits, t * experts);
    layer.selected.set(
      chosen.map(({ e }) => e),
      t * topK
    );
    layer.weights.set(
      chosen.map(({ logit }) => Math.exp(logit) / total),
      t * topK
    );
    const run = every ? logits.map((_, e) => e) : chosen.map(({ e }) => e);
    run.forEach((e, column) =>
      values.set(outputOf(x, e, weights), (t * columns + column) * HIDDEN)
    );
  }
  const observation = new LayerObservation(router);
  observation.addRouting(layer);
  observation.addOutputs(layer, every, { values, width: HIDDEN });
  const kept = experts - 2;
  const evidence = {
    ...observation.evidence(true, kept, []),
    weights: new WeightPairs(
      Array.from({ length: experts }, (_, e) =>
        Float32Array.of(
          ...weights.up.subarray(e * LENGTH, (e + 1) * LENGTH),
          ...weights.down.subarray(e * LENGTH, (e + 1) * LENGTH)
        )
      )
    )
  };
  return planLayer(router, evidence, kept, {
    by: 'frequency',
    mergeDifference: 0.1,
    loraRank: 8,
    mergedBy: 'swap',
    superExperts: superExperts([evidence.peaks!])[0]
  });
}

/** Down(relu(up(x))). */
function outputOf(
  x: Float32Array,
  e: number,
  { up, down }: Weights
): Float64Array {
  const output = new Float64Array(HIDDEN);
  for (let i = 0; i < INTERMEDIATE; i++) {
    let inner = 0;
    for (let d = 0; d < HIDDEN; d++) {
      inner += x[d] * up[e * LENGTH + d * INTERMEDIATE + i];
    }
    for (let d = 0; d < HIDDEN && inner > 0; d++) {
      output[d] += inner * down[e * LENGTH + i * HIDDEN + d];
    }
  }
  return output;
}

/** A model of one layer with all that is planted, in the strength given. */
function plantedModel(size: Size, seed: number, strength: Planted): string {
  const { experts, topK } = size;
  const graph: GraphBuilder = tinyMoE({
    layers: 1,
    experts,
    topK,
    hidden: HIDDEN,
    intermediate: INTERMEDIATE,
    vocabulary: VOCABULARY,
    seed,
    picks: 'one-hot'
  });
  const [router, up, down] = [
    [HIDDEN, experts],
    [experts, HIDDEN, INTERMEDIATE],
    [experts, INTERMEDIATE, HIDDEN]
  ].map(dims => {
    const tensor = graph.initializers.find(
      own => own.dims.join() === dims.join()
    )!;
    const values = Float32Array.from(inlineValues(tensor)!);
    tensor.rawData = new Uint8Array(values.buffer);
    return values;
  });
  plant({ router, up, down }, size, strength, seed);
  return graph.save();
}

function texts(seed: number): { inputIds: number[]; domain: string }[] {
  const random = randomNumbers(seed);
  return Array.from({ length: 8 }, (_, i) => ({
    domain: i < 4 ? 'a' : 'b',
    inputIds: Array.from({ length: 40 }, () =>
      Math.floor(random() * VOCABULARY)
    )
  }));
}

async function planOf(
  folder: string,
  prompts: Parameters<typeof compressionPlan>[1],
  options: CompressionOptions
): Promise<CompressionPlan> {
  const model = await loadModel(folder);
  try {
    return await compressionPlan(model, prompts, options);
  } finally {
    await model.dispose();
  }
}

const merges = ({ merge }: LayerPlan, [a, b]: number[]): boolean =>
  merge.some(
    ({ expert, into }) => [a, b].includes(expert) && [a, b].includes(into)
  );

it('finds what is planted, and nothing where nothing is', () => {
  const all = SEEDS.length;
  const rows = [
    [
      'experts, k',
      'tokens',
      ...STRENGTHS.map(
        ({ noise }) => `copies, noise ${Math.round(100 * noise)} %`
      ),
      'same weights, other tokens',
      'same tokens, other weights',
      ...STRENGTHS.map(({ factor }) => `super expert, ${factor} times`),
      'false merges',
      'false super experts'
    ]
  ];
  for (const size of SIZES) {
    const plans = STRENGTHS.map(strength =>
      SEEDS.map(seed => layerPlan(size, seed, strength))
    );
    const healthy = SEEDS.map(seed => layerPlan(size, seed));
    const count = (
      of: readonly LayerPlan[],
      holds: (plan: LayerPlan) => boolean
    ): number => of.filter(holds).length;
    const copies = plans.map(of => count(of, plan => merges(plan, COPIES)));
    const supers = plans.map(of =>
      count(of, ({ superExperts: own }) => own!.includes(SUPER))
    );
    const sameWeights = count(plans[2], plan => merges(plan, SAME_WEIGHTS));
    const sameTokens = count(plans.flat(), plan => merges(plan, SAME_TOKENS));
    const falseMerges = count(healthy, ({ merge }) => merge.length > 0);
    const falseSupers = count(
      [...healthy, ...plans.flat()],
      ({ superExperts: own }) => own!.some(expert => expert !== SUPER)
    );
    const planned = plans.flat();
    expect(planned).toHaveLength(3 * all);
    // The expert that fewer tokens select goes, and a super expert stays.
    expect(
      planned.filter(({ merge, rows: own }) =>
        merge.some(({ expert, into }) => own[expert].tokens > own[into].tokens)
      )
    ).toEqual([]);
    expect(
      planned.filter(({ superExperts: own, keep }) =>
        own!.some(expert => !keep.includes(expert))
      )
    ).toEqual([]);
    expect(copies[2]).toBe(all);
    expect(supers[2]).toBe(all);
    expect(sameWeights).toBe(all);
    expect([sameTokens, falseMerges, falseSupers]).toEqual([0, 0, 0]);
    rows.push([
      `${size.experts}, ${size.topK}`,
      String(size.tokens),
      ...copies.map(found => `${found} of ${all}`),
      `${sameWeights} of ${all}`,
      `${sameTokens} of ${planned.length}`,
      ...supers.map(found => `${found} of ${all}`),
      `${falseMerges} of ${all}`,
      `${falseSupers} of ${all + planned.length}`
    ]);
  }
  table = rows;
});

/** What the tests above found. */
let table: string[][] = [];

it('changes the predictions less than plans of the same size at random', async () => {
  const rows = [
    ['experts, k', 'KL of the plan', 'KL of random plans', 'better than all 3']
  ];
  for (const size of SIZES) {
    const plans = [];
    for (const seed of MODEL_SEEDS) {
      plans.push(
        await planOf(plantedModel(size, seed, STRENGTHS[2]), texts(seed), {
          keep: size.experts - 2,
          by: 'frequency'
        })
      );
    }
    const mean = (values: number[]): string =>
      (values.reduce((a, b) => a + b, 0) / values.length).toPrecision(2);
    const better = plans.filter(({ random }) => random!.better === 0).length;
    rows.push([
      `${size.experts}, ${size.topK}`,
      mean(plans.map(({ effect }) => effect!.all.kl)),
      mean(plans.flatMap(({ random }) => random!.plans.map(({ kl }) => kl))),
      `${better} of ${plans.length}`
    ]);
    expect(better).toBe(plans.length);
  }
  expect(table.length).toBe(1 + SIZES.length);
  expectSection(
    'analyses.md',
    'compression',
    `Planted in one layer: two copies of an expert that differ by noise (relative to the weights) and that the same tokens
select; two experts of nearly the same weights (2 % of noise) that other tokens select; two experts of other weights that the
same tokens select; an expert whose outputs are multiplied. Plans remove two experts by frequency. Counted are plans that merge
these pairs and mark the super expert, and plans that merge where nothing is planted, or mark another. Copies with 20 % of noise
differ by more than \`mergeDifference\` (0.1), and outputs three times as large are what healthy experts have too.

${markdownTable(table)}

The effect of plans on held-out prompts of models with the strongest of these, in nats per token, beside that of three random
plans of the same size:

${markdownTable(rows)}`
  );
}, 120_000);

describe('a plan', () => {
  const size = SIZES[0];
  let plan: CompressionPlan;
  beforeAll(async () => {
    plan = await planOf(plantedModel(size, 1, STRENGTHS[2]), texts(1), {
      keep: 6,
      by: 'frequency'
    });
  });

  it('shows likeness of outputs and weights, and overlap, of each pair', () => {
    const pairOf = (experts: number[]) =>
      plan.layers[0].pairs.find(own => own.experts.join() === experts.join())!;
    const [copies, sameTokens, sameWeights] = [
      COPIES,
      SAME_TOKENS,
      SAME_WEIGHTS
    ].map(pairOf);
    // Noise of 2 % on both is a difference of 0.02, as it is relative to their norm.
    expect(copies.weights!.difference).toBeCloseTo(0.02, 2);
    expect(copies.weights!.cosine).toBeGreaterThan(0.99);
    expect(copies.jaccard).toBeGreaterThan(0.4);
    expect(copies).toMatchObject({ merged: true, reason: null });
    expect(sameWeights.weights!.difference).toBeCloseTo(0.02, 2);
    expect(sameWeights.jaccard).toBeLessThan(0.2);
    expect(sameTokens.weights!.difference).toBeGreaterThan(1);
    expect(sameTokens.jaccard).toBeGreaterThan(0.4);
    expect(sameTokens).toMatchObject({ merged: false, reason: 'unlike' });
  });

  it('counts sizes as by hand', () => {
    const all = size.experts * 2 * LENGTH;
    const { experts, model, storedAs } = plan.sizes!;
    expect(experts.before).toEqual({
      parameters: all,
      stored: 4 * all,
      fp32: 4 * all,
      fp16: 2 * all,
      int8: all,
      int4: all / 2
    });
    expect(experts.after.parameters).toBe((all * 6) / 8);
    expect(model.before.parameters - model.after.parameters).toBe(all / 4);
    expect(model.before.stored - model.after.stored).toBe(all);
    expect(storedAs.experts).toEqual([
      { bits: 32, quantized: false, tensors: 2, parameters: all }
    ]);
    // Embedding and unembedding, attention and router of the layer; norms have constants in the graph.
    const rest =
      2 * VOCABULARY * HIDDEN + 4 * HIDDEN * HIDDEN + HIDDEN * size.experts;
    expect(model.before.parameters - all).toBeGreaterThanOrEqual(rest);
    expect(model.before.parameters - all).toBeLessThan(rest + 200);
  });

  it('keeps a super expert that few tokens select, and says so', async () => {
    const [layer] = plan.layers;
    expect(layer.superExperts).toEqual([SUPER]);
    expect(layer.rows[SUPER]).toMatchObject({
      superExpert: true,
      decision: 'keep'
    });
    // Even where all others go that can.
    const least = await planOf(plantedModel(size, 1, STRENGTHS[2]), texts(1), {
      keep: 2,
      by: 'frequency',
      randomPlans: 0
    });
    expect(least.layers[0].keep).toContain(SUPER);
    expect(plan.toString()).toContain(`expert ${SUPER} is a super expert`);
  });

  it('is compared with random plans of the same size', () => {
    const { plans, better } = plan.random!;
    expect(plans).toHaveLength(3);
    expect(better).toBe(
      plans.filter(({ kl }) => kl < plan.effect!.all.kl).length
    );
    plans.forEach(({ lossWithPlan, change }) =>
      expect(lossWithPlan - change).toBeCloseTo(plan.effect!.all.loss, 9)
    );
    expect(plan.toString()).toContain('3 random plans of the same size');
  });

  it('has a picture of all experts and effects', () => {
    const { vconcat } = plan.spec as unknown as {
      vconcat: { data: { values: { fate?: string; plan?: string }[] } }[];
    };
    const [cells, effects] = vconcat.map(({ data }) => data.values);
    expect(cells).toHaveLength(size.experts);
    expect(cells.filter(({ fate }) => fate === 'super expert')).toHaveLength(1);
    expect(cells.filter(({ fate }) => fate === 'merge')).toHaveLength(2);
    expect(effects).toHaveLength(4);
  });
});

describe('a defined answer to odd input', () => {
  const tiny = (sizes: object): string =>
    tinyMoE({ layers: 1, picks: 'one-hot', ...sizes }).save();
  const ids = [
    { inputIds: [1, 2, 3, 4] },
    { inputIds: [4, 3, 2, 1] },
    { inputIds: [5, 6, 7, 8] }
  ];

  it('every expert is selected: nothing can go', async () => {
    const plan = await planOf(tiny({ topK: 8 }), ids, { keep: 8 });
    expect(plan.layers[0]).toMatchObject({ prune: [], merge: [] });
    expect(plan.random).toBeNull();
    expect(plan.effect!.all.kl).toBe(0);
    expect(plan.sizes!.experts.after).toEqual(plan.sizes!.experts.before);
    await expect(planOf(tiny({ topK: 8 }), ids, { keep: 7 })).rejects.toThrow(
      'cannot keep 7 of 8 experts when each token selects 8'
    );
  });

  it('two experts', async () => {
    const plan = await planOf(tiny({ experts: 2, topK: 1 }), ids, { keep: 1 });
    expect(plan.layers[0].keep).toHaveLength(1);
    expect(plan.layers[0].pairs).toHaveLength(1);
    // One expert is left whichever goes.
    expect(plan.random!.plans).toHaveLength(3);
  });

  it.each<[string, { inputIds: number[] }[]]>([
    ['one text', [{ inputIds: [1, 2, 3] }]],
    ['texts of one token', [{ inputIds: [1] }, { inputIds: [2] }]],
    ['no text', []]
  ])('%s', async (_, prompts) => {
    await expect(planOf(tiny({}), prompts, { keep: 4 })).rejects.toMatchObject({
      code: 'input'
    });
  });

  it('a number of random plans that is none', async () => {
    await expect(
      planOf(tiny({}), ids, { keep: 4, randomPlans: -1 })
    ).rejects.toThrow('invalid number of random plans -1');
  });
});

it('prints one JSON document, and writes a file', async () => {
  const size = SIZES[0];
  const folder = plantedModel(size, 2, STRENGTHS[2]);
  const prompts = promptsFile(
    ...texts(2).map(({ inputIds, domain }, i) => ({
      id: String(i),
      input_ids: inputIds,
      domain
    }))
  );
  const out = `${folder}/plan.csv`;
  const { code, stdout, stderr } = await run([
    'compress',
    folder,
    '--prompts',
    prompts,
    '--keep',
    '6',
    '--random-plans',
    '2',
    '--out',
    out,
    '--json'
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { random, sizes, layers } = JSON.parse(stdout) as CompressionDocument;
  expect(random!.plans).toHaveLength(2);
  expect(sizes!.experts.after.fp16).toBe(sizes!.experts.before.fp16 * 0.75);
  expect(layers[0].superExperts).toEqual([SUPER]);
  expect(readFileSync(out, 'utf8')).toContain('super experts');
});

describe('models whose experts are stored as integers', () => {
  const folder = zooModel('gpt_oss-genai-int4');
  itWithZoo(
    folder !== undefined,
    'count each 4-bit integer as a parameter',
    async () => {
      const config = JSON.parse(
        readFileSync(`${folder!}/config.json`, 'utf8')
      ) as Record<string, number>;
      const {
        hidden_size: hidden,
        intermediate_size: intermediate,
        num_local_experts: experts,
        num_hidden_layers: layers
      } = config;
      const plan = await planOf(
        folder!,
        [
          [3, 4, 5, 6],
          [7, 8, 9, 10]
        ],
        {
          keep: experts,
          randomPlans: 0
        }
      );
      const matrices = layers * experts * 3 * hidden * intermediate;
      const stored = plan.sizes!.storedAs.experts;
      expect(stored.find(({ quantized }) => quantized)).toMatchObject({
        bits: 4,
        parameters: matrices
      });
    }
  );
});
