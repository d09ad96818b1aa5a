/** What explains a model with edits: as the same explanation of a file that holds the change, and as differences. */
import {
  biasedRouter,
  only,
  SIZE,
  withBiases,
  withMovedEmbedding,
  withScaled,
  withSwapped,
  withVector
} from '../../test/edited-file';
import { largestDifference } from '../../test/edit-truth';
import type { GraphBuilder } from '../../test/graph-builder';
import { tinyMoE } from '../../test/tiny-moe';
import type { AttributeOptions } from '../analyses/attribution/options';
import type { Attribution } from '../analyses/attribution/attribution';
import type { Edits } from '../run/edits/edits';
import { loadModel } from './load-model';
import type { MoEModel } from './moe-model';

const IDS = [3, 1, 4, 15, 9, 2, 6];
const OTHER = [3, 1, 4, 8, 9, 2, 6];
const TARGET: AttributeOptions['target'] = { kind: 'logit', token: 7 };
const VECTOR = Array.from({ length: SIZE.hidden }, (_, i) => ((i * 7) % 5) - 2);
/** So large that softmax gives the expert all the weight. */
const ALL = 1e4;
const NONE = -1e30;

/** An edit, and the file that holds the same change. */
const CHANGES: [string, Edits, () => GraphBuilder][] = [
  [
    'an ablation by mask',
    { ablate: [{ layer: 0, expert: 2 }] },
    () => withBiases({ logits: { 0: only(2, NONE) } })
  ],
  [
    'an ablation by drop',
    { ablate: [{ layer: 0, expert: 2, mode: 'drop' }] },
    () => withScaled(0, 2, 0)
  ],
  [
    'a swap',
    { ablate: [{ layer: 0, expert: 2, mode: 'swap', to: 5 }] },
    () => withSwapped(0, 2, 5)
  ],
  [
    'a scale',
    { scale: [{ layer: 0, expert: 2, factor: -1.5 }] },
    () => withScaled(0, 2, -1.5)
  ],
  [
    'a bias',
    { bias: [{ layer: 0, expert: 4, value: 1.25 }] },
    () => withBiases({ logits: { 0: only(4, 1.25) } })
  ],
  [
    'a selection bias',
    { selectionBias: [{ layer: 0, expert: 4, value: 0.3 }] },
    () => withBiases({ selection: { 0: only(4, 0.3) } })
  ],
  [
    'a forced expert',
    { force: [{ layer: 0, expert: 6 }] },
    () => withBiases({ logits: { 0: only(6, ALL) } })
  ],
  [
    'a steering vector',
    { steer: [{ layer: 0, vector: VECTOR, scale: 0.5 }] },
    () =>
      withVector(
        0,
        VECTOR.map(x => x / 2)
      )
  ]
];

async function withModel<T>(
  b: GraphBuilder,
  work: (model: MoEModel) => Promise<T>
): Promise<T> {
  const model = await loadModel(b.save());
  try {
    return await work(model);
  } finally {
    await model.dispose();
  }
}

describe('a model with edits', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(withBiases({}).save());
  });
  afterAll(() => model.dispose());

  // Experts by mask and drop are selected by some token, so that each change matters.
  it.each(CHANGES)(
    '%s: has the attribution and the attention of a file that holds the change',
    async (_, edits, file) => {
      const edited = model.with(edits);
      await withModel(file(), async truth => {
        for (const method of ['ig', 'grad-input', 'occlusion'] as const) {
          const options = { target: TARGET, method, steps: 16 };
          const [own, expected, plain] = [
            await edited.attribute(IDS, options),
            await truth.attribute(IDS, options),
            await model.attribute(IDS, options)
          ];
          expect(own.value).toBeCloseTo(expected.value, 4);
          expect(own.baselineValue).toBeCloseTo(expected.baselineValue, 4);
          expect(difference(own.tokens, expected.tokens)).toBeLessThan(2e-4);
          expect(difference(own.tokens, plain.tokens)).toBeGreaterThan(1e-2);
        }
        const [own, expected, plain] = [
          await edited.attention(IDS),
          await truth.attention(IDS),
          await model.attention(IDS)
        ].map(({ layers }) => layers.map(layer => layer.probabilities));
        expect(own).toHaveLength(SIZE.layers);
        own.forEach((layer, i) =>
          expect(largestDifference(layer, expected[i])).toBeLessThan(1e-5)
        );
        // The change is in layer 0, after its attention.
        expect(own[0]).toEqual(plain[0]);
        expect(largestDifference(own[1], plain[1])).toBeGreaterThan(1e-3);
      });
    }
  );

  it('another k: as the file with that k', async () => {
    const edited = model.with({ topK: 3 });
    await withModel(
      tinyMoE({ ...SIZE, topK: 3, router: biasedRouter() }),
      async truth => {
        const options = { target: TARGET, layers: true, steps: 8 };
        const [own, expected] = [
          await edited.attribute(IDS, options),
          await truth.attribute(IDS, options)
        ];
        expect(own.value).toBeCloseTo(expected.value, 4);
        expect(difference(own.tokens, expected.tokens)).toBeLessThan(2e-4);
        expect(own.data.experts).toHaveLength(3 * 2 * IDS.length);
        expect(own.data.experts!.map(({ expert }) => expert)).toEqual(
          expected.data.experts!.map(({ expert }) => expert)
        );
        expect(
          difference(own.data.experts!, expected.data.experts!)
        ).toBeLessThan(2e-4);
      }
    );
  });

  it('credits layers and experts, explains routers, and finds heads and circuits as the file does', async () => {
    const edited = model.with({
      scale: [{ layer: 0, expert: 2, factor: -1.5 }]
    });
    await withModel(withScaled(0, 2, -1.5), async truth => {
      const router = {
        target: { kind: 'router', layer: 1, expert: 3 },
        steps: 8
      } as const;
      expect(
        difference(
          (await edited.attribute(IDS, router)).tokens,
          (await truth.attribute(IDS, router)).tokens
        )
      ).toBeLessThan(2e-4);
      const layers = { target: TARGET, layers: true, steps: 4 };
      const [own, expected] = [
        (await edited.attribute(IDS, layers)).data,
        (await truth.attribute(IDS, layers)).data
      ];
      expect(own.layers).toHaveLength(SIZE.layers);
      expect(difference(own.layers!, expected.layers!)).toBeLessThan(2e-4);

      const heads = { count: 4, length: 8 };
      const [found, true_] = [
        await edited.findHeads(heads),
        await truth.findHeads(heads)
      ].map(result =>
        result.heads.map(({ scores }) => scores.prefixMatching.mean)
      );
      expect(found).toHaveLength(SIZE.layers * SIZE.heads);
      expect(largestDifference(found, true_)).toBeLessThan(1e-5);

      const task = {
        target: { kind: 'logit-difference', token: 7, against: 8 }
      } as const;
      const [circuit, other] = [
        await edited.circuit(IDS, OTHER, { ...task, measure: 4 }),
        await truth.circuit(IDS, OTHER, { ...task, measure: 4 })
      ].map(({ data }) => data);
      expect(circuit.values.clean).toBeCloseTo(other.values.clean, 4);
      const effects = ({ nodes }: typeof circuit): number[] =>
        nodes.map(node => node.effect ?? 0);
      expect(circuit.nodes.map(({ id }) => id).sort()).toEqual(
        other.nodes.map(({ id }) => id).sort()
      );
      expect(effects(circuit).length).toBeGreaterThan(4);
      expect(
        largestDifference(effects(circuit).sort(), effects(other).sort())
      ).toBeLessThan(1e-3);

      const cells = [{ node: 'layer 1 head 0' }, { node: 'layer 0 residual' }];
      const [patched, expectedPatch] = [
        await edited.patch(IDS, OTHER, cells, task),
        await truth.patch(IDS, OTHER, cells, task)
      ].map(result => result.map(({ effect }) => effect));
      expect(patched).toHaveLength(2);
      expect(largestDifference(patched, expectedPatch)).toBeLessThan(1e-4);
    });
  });

  it('asks what follows, and what is a cause, as the file does', async () => {
    const base: Edits = { bias: [{ layer: 0, expert: 4, value: 1.25 }] };
    const edited = model.with(base);
    await withModel(
      withBiases({ logits: { 0: only(4, 1.25) } }),
      async truth => {
        const more: Edits = {
          ablate: [{ layer: 0, expert: 4, mode: 'drop', tokens: [1] }],
          topK: [{ layer: 1, k: 3 }]
        };
        const [own, expected] = [
          await edited.counterfactual(IDS, more),
          await truth.counterfactual(IDS, more)
        ];
        const edges = ({ graph }: typeof own): string[] =>
          graph.edges.map(
            ({ from, to, effect, entered = [], left = [] }) =>
              `${effect} ${from} > ${to} +${entered.join()} -${left.join()}`
          );
        expect(own.graph.effects).toBe('direct');
        expect(edges(own).length).toBeGreaterThan(8);
        expect(edges(own)).toEqual(edges(expected));
        const effects = ({ graph }: typeof own): number[] =>
          graph.edges.flatMap(({ kl }) => kl?.mean ?? []);
        expect(effects(own).length).toBeGreaterThan(1);
        expect(largestDifference(effects(own), effects(expected))).toBeLessThan(
          1e-5
        );
        expect(own.toJSON().edits.map(({ kind }) => kind)).toEqual([
          'ablate',
          'topK'
        ]);
        expect(own.toJSON().diff.a.edits).toMatchObject([{ kind: 'bias' }]);
        expect(String(own)).toMatch(
          /the model had 1 edit: add 1.25 to expert 4 of layer 0/
        );

        const prompts = Array.from({ length: 6 }, (_, i) =>
          IDS.map((id, t) => (id * (i + 1) + t) % 50)
        );
        const options = { criterion: { token: 7 }, draws: 199 };
        const [causes, theirs] = [
          await edited.causalExperts(prompts, options),
          await truth.causalExperts(prompts, options)
        ].map(({ rows }) =>
          [...rows].sort((a, b) => a.layer - b.layer || a.expert - b.expert)
        );
        expect(causes).toHaveLength(SIZE.layers * SIZE.experts);
        expect(causes.map(({ load }) => load)).toEqual(
          theirs.map(({ load }) => load)
        );
        expect(
          largestDifference(
            causes.map(({ change }) => change),
            theirs.map(({ change }) => change)
          )
        ).toBeLessThan(1e-4);
        const plain = await model.causalExperts(prompts, options);
        const loads = new Map(
          plain.rows.map(({ layer, expert, load }) => [
            `${layer}:${expert}`,
            load
          ])
        );
        const { load } = causes.find(
          ({ layer, expert }) => layer === 0 && expert === 4
        )!;
        expect(load).toBeGreaterThan(loads.get('0:4')!);

        const steps = { alpha: 1, minLift: 1, effectTokens: 2 };
        const [pipelines, others] = [
          await edited.expertPipelines(prompts, steps),
          await truth.expertPipelines(prompts, steps)
        ].map(({ data }) => data.steps);
        expect(pipelines.length).toBeGreaterThan(0);
        expect(pipelines.map(({ from, to }) => [from, to])).toEqual(
          others.map(({ from, to }) => [from, to])
        );
        expect(
          largestDifference(
            pipelines.map(({ effect }) => effect?.mean ?? 0),
            others.map(({ effect }) => effect?.mean ?? 0)
          )
        ).toBeLessThan(1e-3);
      }
    );
  });

  it('refuses further edits that contradict those that it has, by name', async () => {
    const edited = model.with({
      topK: 3,
      bias: [{ layer: 0, expert: 4, value: 1 }]
    });
    await expect(
      edited.counterfactual(IDS, { topK: [{ layer: 1, k: 2 }] })
    ).rejects.toMatchObject({
      code: 'edit',
      message: expect.stringMatching(/top-3 and top-2.*layer 1/)
    });
    await expect(
      edited.counterfactual(IDS, { bias: [{ layer: 0, expert: 4, value: 2 }] })
    ).rejects.toMatchObject({ code: 'edit' });
    await expect(edited.counterfactual(IDS, {})).rejects.toThrow(
      /there are no edits/
    );
  });

  it('has gradients that are the central differences of its logit, where edits are at some tokens', async () => {
    const edits: Edits = {
      ablate: [
        { layer: 0, expert: 2, tokens: [1, 4] },
        { layer: 1, expert: 5, mode: 'drop', tokens: [2] }
      ],
      bias: [{ layer: 0, expert: 6, value: 0.7, tokens: [0, 2] }],
      force: [{ layer: 1, expert: 1, tokens: [0, 2] }],
      steer: [{ layer: 0, vector: VECTOR, tokens: [3, 5] }]
    };
    const id = 7;
    const found = await model.with(edits).attribute(IDS, {
      target: { kind: 'logit', token: id },
      method: 'grad-input'
    });
    const step = 2e-3;
    const probes = [
      [0, 3],
      [2, 0],
      [3, 9],
      [4, 5],
      [6, 12]
    ];
    const table = new Float32Array(
      withBiases({}).initializers[0].rawData!.buffer
    );
    for (const [token, entry] of probes) {
      const sides: number[] = [];
      for (const sign of [1, -1]) {
        const b = withMovedEmbedding(
          withBiases({}),
          IDS[token],
          entry,
          sign * step
        );
        sides.push(
          await withModel(b, async moved => {
            const trace = await moved
              .with(edits)
              .trace(IDS, { logits: 'last' });
            return [...trace.outputLogits.values()][0].data[id];
          })
        );
      }
      const slope = (sides[0] - sides[1]) / (2 * step);
      const gradient =
        found.embeddings[token * SIZE.hidden + entry] /
        table[IDS[token] * SIZE.hidden + entry];
      expect(Math.abs(gradient - slope)).toBeLessThan(
        0.02 * Math.max(1, Math.abs(slope))
      );
    }
  });

  it('whose edits change nothing has the same bits, and says what it had', async () => {
    const neutral = model.with({
      scale: [{ layer: 0, expert: 2, factor: 1 }],
      bias: [{ layer: 1, expert: 0, value: 0 }]
    });
    // The batch size, which is found by timing, rounds the sums over steps.
    const options = { target: TARGET, layers: true, batchSize: 4 };
    const [plain, empty, own] = [
      (await model.attribute(IDS, options)).data,
      (await model.with({}).attribute(IDS, options)).data,
      (await neutral.attribute(IDS, options)).data
    ];
    expect(empty).toEqual(plain);
    expect(own.tokens).toEqual(plain.tokens);
    expect(own.experts).toEqual(plain.experts);
    expect(own.warnings).toEqual([
      'the model had 2 edits: multiply expert 2 of layer 0 by 1; add 0 to expert 0 of layer 1',
      ...plain.warnings
    ]);
    const [record, before] = [
      await neutral.attention(IDS),
      await model.attention(IDS)
    ];
    expect(record.layers).toEqual(before.layers);
    expect(String(record)).toMatch(/the model had 2 edits/);
    expect(String(before)).not.toMatch(/edit/);
    expect(await (await model.with({}).attention(IDS)).toJSON()).toEqual(
      before.toJSON()
    );
  });

  it('shares the graphs of other edits, in any order and side by side', async () => {
    const edits: Edits[] = [
      { ablate: [{ layer: 0, expert: 2, tokens: [1, 4] }] },
      { force: [{ layer: 1, expert: 6 }] },
      { steer: [{ layer: 0, vector: VECTOR, tokens: [2, 3] }] }
    ];
    const options = { target: TARGET, method: 'grad-input' } as const;
    const together = await Promise.all(
      edits.map(own => model.with(own).attribute(IDS, options))
    );
    const alone: Attribution[] = [];
    for (const own of [...edits].reverse()) {
      alone.unshift(
        await withModel(withBiases({}), one =>
          one.with(own).attribute(IDS, options)
        )
      );
    }
    together.forEach(({ tokens }, i) =>
      expect(difference(tokens, alone[i].tokens)).toBeLessThan(1e-5)
    );
    expect(difference(together[0].tokens, together[1].tokens)).toBeGreaterThan(
      1e-2
    );
  });
});

/** Experts in a fused operator, whose file may hold a bias of the logits and factors of what experts return, in layer 0. */
function fusedFile({
  bias,
  factors = {}
}: {
  bias?: number[];
  factors?: Record<number, number>;
} = {}): GraphBuilder {
  let layer = 0;
  return tinyMoE({
    ...SIZE,
    mixture(b, x, { experts, hidden, intermediate, topK }) {
      const own = b.op('MatMul', [x, b.weight([hidden, experts], 2)]);
      const inner = b.weight([experts, intermediate, hidden]);
      const outer = b.weight([experts, hidden, intermediate]);
      if (layer++ === 0) {
        const size = hidden * intermediate;
        const values = new Float32Array(b.initializers.at(-1)!.rawData!.buffer);
        Object.entries(factors).forEach(([expert, factor]) =>
          values
            .subarray(Number(expert) * size, (Number(expert) + 1) * size)
            .forEach((value, i, all) => (all[i] = value * factor))
        );
      }
      const logits =
        bias && layer === 1 ? b.op('Add', [own, b.floats(bias)]) : own;
      return b.op('com.microsoft.MoE', [x, logits, inner, '', outer], {
        k: topK,
        activation_type: 'relu',
        normalize_routing_weights: 1
      });
    }
  });
}

describe('edits of experts in a fused operator', () => {
  let model: MoEModel;

  beforeAll(async () => {
    model = await loadModel(fusedFile().save());
  });
  afterAll(() => model.dispose());

  const drop: Edits = { ablate: [{ layer: 0, expert: 2, mode: 'drop' }] };

  it.each<[string, Edits, boolean, () => GraphBuilder]>([
    [
      'a bias',
      { bias: [{ layer: 0, expert: 4, value: 1.25 }] },
      false,
      () => fusedFile({ bias: only(4, 1.25) })
    ],
    [
      'a mask',
      { ablate: [{ layer: 0, expert: 2 }] },
      false,
      () => fusedFile({ bias: only(2, NONE) })
    ],
    [
      'a forced expert',
      { force: [{ layer: 0, expert: 6 }] },
      false,
      () => fusedFile({ bias: only(6, ALL) })
    ],
    [
      'a drop, rewritten in plain operators',
      drop,
      true,
      () => fusedFile({ factors: { 2: 0 } })
    ]
  ])(
    '%s: as the file that holds the change',
    async (_, edits, rewriteFused, file) => {
      const options = { target: TARGET, layers: true, batchSize: 4 };
      const plain = await model.attribute(IDS, options);
      const own = await model
        .with(edits, { rewriteFused })
        .attribute(IDS, options);
      await withModel(file(), async truth => {
        const expected = await truth.attribute(IDS, options);
        expect(own.value).toBeCloseTo(expected.value, 4);
        expect(difference(own.tokens, expected.tokens)).toBeLessThan(2e-4);
        expect(difference(own.tokens, plain.tokens)).toBeGreaterThan(1e-2);
        const named = ({ data }: typeof own): string[] =>
          data
            .experts!.filter(({ weight }) => Math.abs(weight) > 1e-6)
            .map(
              ({ layer, position, expert }) => `${layer}:${position}:${expert}`
            )
            .sort();
        expect(named(own).length).toBeGreaterThan(IDS.length);
        // A dropped expert has no weight here; in the file it returns nothing.
        expect(named(own)).toEqual(
          named(expected).filter(
            name => edits !== drop || !/^0:\d+:2$/.test(name)
          )
        );
        const [attended, theirs] = [
          await model.with(edits, { rewriteFused }).attention(IDS),
          await truth.attention(IDS)
        ].map(({ layers }) => layers.map(({ probabilities }) => probabilities));
        expect(attended).toHaveLength(SIZE.layers);
        attended.forEach((layer, i) =>
          expect(largestDifference(layer, theirs[i])).toBeLessThan(1e-5)
        );
      });
    }
  );

  it('are refused by name where the operator hides what they change', () => {
    expect(() => model.with(drop)).toThrow(/ablate by drop.*MoE node/);
  });
});

function difference(
  a: readonly { attribution: number }[],
  b: readonly { attribution: number }[]
): number {
  return largestDifference(
    a.map(({ attribution }) => attribution),
    b.map(({ attribution }) => attribution)
  );
}
