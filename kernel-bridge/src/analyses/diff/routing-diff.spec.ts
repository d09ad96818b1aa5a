import type { EditRecord } from '../../run/edits/edits';
import type { RoutingLayer, RoutingSample } from '../../base/protocol';
import type { LayerCard } from '../../run/model/description';
import { diffRouting, type DiffableTrace } from './routing-diff';

/** Two tokens of top-2 of four; expert 2 is a near miss for the first. */
const layer = (more: Partial<RoutingLayer> = {}): RoutingLayer => ({
  layer: 1,
  experts: 4,
  topK: 2,
  score: 'softmax',
  logitsAre: 'logits',
  logits: Float32Array.of(3, 1.05, 1, 0, 0, 1, 2, 3),
  selected: Int32Array.of(0, 1, 3, 2),
  weights: Float32Array.of(0.75, 0.25, 0.5, 0.5),
  ...more
});
const card = ({ layer: number, experts, topK }: RoutingLayer): LayerCard => ({
  layer: number,
  moe: true,
  experts,
  topK,
  score: 'softmax',
  scoreBeforeTopK: true,
  renormalized: true,
  sharedExperts: 0,
  router: {
    pattern: '',
    logits: '',
    logitsAre: 'logits',
    selected: null,
    weights: null
  }
});
const sample = (
  layers: RoutingLayer[],
  id = '0',
  ids = [11, 12]
): RoutingSample => ({
  id,
  tokens: ids.map((token, position) => ({ position, id: token })),
  layers
});
const trace = (
  samples: RoutingSample[],
  more: Partial<DiffableTrace> = {}
): DiffableTrace => ({
  model: 'tiny',
  samples,
  edits: [],
  cards: samples[0].layers.map(card),
  outputLogits: new Map(),
  ...more
});
const before = trace([sample([layer()])]);

describe('diffRouting', () => {
  it('finds nothing between a run and itself', () => {
    const { layers, alone } = diffRouting(before, before);
    expect(layers).toMatchObject([
      {
        layer: 1,
        tokens: 2,
        changed: 0,
        changedShare: 0,
        nearMisses: 0,
        nearMissShare: null,
        jaccard: 1,
        weightDistance: 0
      }
    ]);
    expect(alone.a).toEqual({ samples: [], layers: [] });
  });

  it('reports who entered, who left, and near misses', () => {
    const after = trace([
      sample([
        layer({
          selected: Int32Array.of(2, 0, 0, 1),
          weights: Float32Array.of(0.375, 0.625, 0.5, 0.5)
        })
      ])
    ]);
    const diff = diffRouting(before, after);
    const [first, second] = [0, 1].map(i => diff.samples[0].layers[0].at(i));
    expect(first).toEqual({
      entered: [2],
      left: [1],
      weights: [
        { expert: 0, a: 0.75, b: 0.625 },
        { expert: 1, a: 0.25, b: 0 },
        { expert: 2, a: 0, b: 0.375 }
      ],
      jaccard: 1 / 3,
      weightDistance: 0.75,
      margin: { a: expect.closeTo(0.05, 5), b: expect.closeTo(0.05, 5) },
      nearMiss: true
    });
    expect(second).toMatchObject({
      entered: [0, 1],
      left: [2, 3],
      jaccard: 0,
      margin: { a: 1, b: 1 },
      nearMiss: false
    });
    expect(diff.layers).toMatchObject([
      {
        changed: 2,
        changedShare: 1,
        nearMisses: 1,
        nearMissShare: 0.5,
        entered: [1, 1, 1, 0],
        left: [0, 1, 1, 1]
      }
    ]);
    expect(
      diffRouting(before, after, { nearMiss: 0.01 }).layers[0]
    ).toMatchObject({ nearMisses: 0 });
    expect(String(diff)).toContain('2 of 2 (100 %)');
  });

  it('treats a weight of exactly 0 as not selected', () => {
    const dropped = trace([
      sample([layer({ weights: Float32Array.of(0.75, 0, 0.5, 0.5) })])
    ]);
    expect(
      diffRouting(before, dropped).samples[0].layers[0].at(0)
    ).toMatchObject({
      entered: [],
      left: [1],
      jaccard: 0.5
    });
  });

  it('compares runs with different k', () => {
    const after = trace([
      sample([
        layer({
          topK: 1,
          selected: Int32Array.of(0, 3),
          weights: Float32Array.of(1, 1)
        })
      ])
    ]);
    const diff = diffRouting(before, after);
    expect(diff.layers[0]).toMatchObject({
      topK: { a: 2, b: 1 },
      left: [0, 1, 1, 0],
      entered: [0, 0, 0, 0],
      jaccard: 0.5
    });
    // The first expert not selected differs from that with k = 2.
    expect(diff.samples[0].layers[0].at(0).margin).toEqual({
      a: expect.closeTo(0.05, 5),
      b: expect.closeTo(1.95, 5)
    });
    expect(String(diff)).toContain('layer 1, top-2 and top-1');
  });

  it('computes margins after edits, and none where an expert was forced', () => {
    const edit = (more: Partial<EditRecord>): DiffableTrace => ({
      ...before,
      edits: [{ kind: 'ablate', layer: 1, expert: 1, ...more } as EditRecord]
    });
    const margin = (edited: DiffableTrace) =>
      diffRouting(before, edited).samples[0].layers[0].at(0).margin.b;
    expect(margin(edit({ mode: 'mask' }))).toBe(1);
    expect(margin(edit({ mode: 'drop' }))).toBeCloseTo(0.05, 5);
    expect(margin(edit({ kind: 'bias', value: 0.95 }))).toBeCloseTo(1, 5);
    expect(margin(edit({ mode: 'mask', tokens: [1] }))).toBeCloseTo(0.05, 5);
    expect(margin(edit({ mode: 'mask', layer: 2 }))).toBeCloseTo(0.05, 5);
    expect(margin(edit({ kind: 'force' }))).toBeNull();
  });

  it('reports no margins where neither convention nor logits explain the selection', () => {
    const unknown = (more: Partial<RoutingLayer>) =>
      diffRouting(
        before,
        trace([sample([layer(more)])], { cards: [] })
      ).samples[0].layers[0].at(0).margin.b;
    expect(unknown({})).toBeCloseTo(0.05, 5);
    expect(unknown({ selected: Int32Array.of(0, 3, 3, 2) })).toBeNull();
    expect(unknown({ logits: new Float32Array(0) })).toBeNull();
  });

  it('aligns different prompts by their tokens', () => {
    const after = trace([
      sample(
        [
          layer({
            logits: new Float32Array(12),
            selected: Int32Array.of(0, 3, 0, 1, 3, 2),
            weights: new Float32Array(6).fill(0.5)
          })
        ],
        'another',
        [11, 99, 12]
      )
    ]);
    const diff = diffRouting(before, after);
    expect(diff.layers[0]).toMatchObject({ tokens: 2, changed: 1 });
    expect(diff.toJSON().samples[0].alignment).toEqual({
      by: 'sequence',
      tokens: [
        { a: 0, b: 0, id: 11 },
        { a: null, b: 1, id: 99 },
        { a: 1, b: 2, id: 12 }
      ]
    });
    expect(diff.toJSON().samples[0].layers[0].tokens[1]).toMatchObject({
      a: 1,
      b: 2,
      entered: [],
      left: []
    });
    expect(String(diff)).toContain('2 tokens in both, 1 in one');
  });

  it('has null shares without tokens', () => {
    const after = trace([sample([layer()], '0', [98, 99])]);
    expect(diffRouting(before, after).layers[0]).toMatchObject({
      tokens: 0,
      changedShare: null,
      jaccard: null
    });
  });

  it('reports what only one run has', () => {
    const a = trace([
      sample([layer(), layer({ layer: 2 })], 'p'),
      sample([layer(), layer({ layer: 2 })], 'q')
    ]);
    const b = trace([sample([layer()], 'q'), sample([layer()], 'r')]);
    const diff = diffRouting(a, b);
    expect(diff.samples.map(({ id }) => id)).toEqual(['q']);
    expect(diff.alone).toEqual({
      a: { samples: ['p'], layers: ['layer 2'] },
      b: { samples: ['r'], layers: [] }
    });
    expect(String(diff)).toContain('only the first run has layer 2');
  });

  it.each([
    [
      'other experts',
      trace([
        sample([
          layer({
            experts: 2,
            logits: new Float32Array(4),
            selected: Int32Array.of(0, 1, 0, 1)
          })
        ])
      ]),
      /the layer has 4 experts in one run and 2 in the other \(layer 1/
    ],
    [
      'other layers',
      trace([sample([layer({ layer: 7 })])]),
      /no layer in common \(layer 1; layer 7\)/
    ],
    [
      'other prompts',
      trace([sample([layer()], 'x'), sample([layer()], 'y')]),
      /no prompt in common/
    ],
    [
      'one id twice',
      trace([sample([layer()]), sample([layer()])]),
      /two prompts of a run have the same id \(prompt 0\)/
    ]
  ])('refuses %s', (_, other, message) => {
    expect(() => diffRouting(before, other)).toThrow(message);
  });

  it.each([NaN, -1, Infinity])('rejects a threshold of %p', nearMiss => {
    expect(() => diffRouting(before, before, { nearMiss })).toThrow(
      /invalid near-miss threshold/
    );
  });
});

describe('the output of two runs', () => {
  const logits = (...data: number[]) =>
    new Map([['0', { data: Float32Array.from(data), width: 2 }]]);
  const outputs = (
    a: Map<string, { data: Float32Array; width: number }>,
    b: typeof a
  ) =>
    diffRouting({ ...before, outputLogits: a }, { ...before, outputLogits: b });

  it('is compared by the divergence of its distributions', () => {
    const { output } = outputs(
      logits(0, 0, 0, Math.log(3)),
      logits(0, Math.log(3), 0, Math.log(3))
    ).samples[0];
    // KL((1/2, 1/2) || (1/4, 3/4)) = ln 2 - ln(3) / 2.
    expect(output).toEqual([
      {
        token: { a: 0, b: 0 },
        kl: expect.closeTo(Math.log(2) - Math.log(3) / 2, 6),
        top: { a: 0, b: 1 }
      },
      { token: { a: 1, b: 1 }, kl: 0, top: { a: 1, b: 1 } }
    ]);
  });

  it('is that of the last token where one run kept only that', () => {
    const { output } = outputs(
      logits(0, 0, 0, Math.log(3)),
      logits(0, Math.log(3))
    ).samples[0];
    expect(output).toEqual([
      { token: { a: 1, b: 1 }, kl: 0, top: { a: 1, b: 1 } }
    ]);
  });

  it('is null in JSON where it is not finite', () => {
    const diff = outputs(logits(NaN, 0), logits(0, 0));
    expect(diff.toJSON().samples[0].output[0].kl).toBeNull();
    expect(String(diff)).not.toContain('NaN');
  });

  it('may be impossible for a token', () => {
    expect(
      outputs(logits(0, -Infinity), logits(0, 0)).samples[0].output[0].kl
    ).toBeCloseTo(Math.log(2), 6);
  });

  it('must be over the same vocabulary', () => {
    expect(() =>
      outputs(
        logits(0, 0),
        new Map([['0', { data: new Float32Array(3), width: 3 }]])
      )
    ).toThrow(/vocabularies of 2 and 3 tokens/);
  });
});
