import fc from 'fast-check';
import { decide, type LayerEvidence } from './decide';
import { WeightPairs } from './expert-likeness';
import { ExpertKinds } from './expert-kinds';
import { ExpertPairs } from './expert-pairs';
import { loraRanks } from './lora-ranks';
import { CRITERIA } from './options';

/** Any layer; experts may be duplicates, never selected, or have zero outputs. */
const layers = fc
  .record({
    experts: fc.integer({ min: 1, max: 9 }),
    kinds: fc.array(fc.integer({ min: 0, max: 3 }), {
      minLength: 9,
      maxLength: 9
    }),
    counts: fc.array(fc.integer({ min: 0, max: 5 }), {
      minLength: 9,
      maxLength: 9
    }),
    reap: fc.array(fc.oneof(fc.float({ min: 0 }), fc.constant(NaN)), {
      minLength: 9,
      maxLength: 9
    }),
    shown: fc.boolean()
  })
  .map(({ experts, kinds, counts, reap, shown }): LayerEvidence => {
    const pairs = new ExpertPairs(experts);
    const all = Array.from({ length: experts }, (_, e) => e);
    pairs.addOutputs(
      all,
      // Experts of one kind have equal outputs, and kind 0 adds nothing.
      all.map(e => Float32Array.of(kinds[e], kinds[e] ** 2, -kinds[e]))
    );
    const own = (values: number[]): Float64Array =>
      Float64Array.from(values.slice(0, experts));
    return {
      experts,
      tokens: 5,
      importance: {
        counts: own(counts),
        gateSum: own(counts),
        ...(shown ? { reap: own(reap), ean: own(reap) } : {})
      },
      ...(shown ? { pairs } : {})
    };
  });

it('keeps the requested number, each expert once, and keeps merge targets', () => {
  fc.assert(
    fc.property(
      layers,
      fc.nat(8),
      fc.constantFrom(...CRITERIA),
      fc.constantFrom(0, 0.1, Math.SQRT2),
      (evidence, less, by, mergeDifference) => {
        const kept = Math.max(1, evidence.experts - less);
        const { keep, prune, merge, removals } = decide(evidence, kept, {
          by,
          mergeDifference
        });
        expect(keep).toHaveLength(kept);
        expect(
          [...keep, ...prune, ...merge.map(({ expert }) => expert)].sort()
        ).toEqual(Array.from({ length: evidence.experts }, (_, e) => e));
        const { counts } = evidence.importance;
        merge.forEach(({ expert, into }) => {
          expect(keep).toContain(into);
          expect(counts[expert]).toBeLessThanOrEqual(counts[into]);
        });
        Object.values(removals)
          .filter(removed => removed !== null)
          .forEach(removed =>
            expect(removed).toHaveLength(evidence.experts - kept)
          );
      }
    )
  );
});

/** Experts that compute the same, selected by so many tokens each. */
function alike(
  counts: number[],
  outputs = counts.map(() => [1, 2]),
  kinds?: LayerEvidence['kinds']
): LayerEvidence {
  const pairs = new ExpertPairs(counts.length);
  pairs.addOutputs(
    [...counts.keys()],
    outputs.map(values => Float32Array.from(values))
  );
  const importance = {
    counts: Float64Array.from(counts),
    gateSum: Float64Array.from(counts)
  };
  return { experts: counts.length, tokens: 24, importance, pairs, kinds };
}

const mergesOf = (
  evidence: LayerEvidence,
  kept: number,
  mergeDifference = 0.1
): [number, number][] =>
  decide(evidence, kept, { by: 'frequency', mergeDifference }).merge.map(
    ({ expert, into }) => [expert, into]
  );

it.each<[string, number[], [number, number][]]>([
  [
    'the last',
    [0, 0, 22, 24],
    [
      [1, 3],
      [0, 3],
      [2, 3]
    ]
  ],
  [
    'the first',
    [24, 22, 0, 0],
    [
      [3, 0],
      [2, 0],
      [1, 0]
    ]
  ],
  [
    'between',
    [3, 9, 1, 3],
    [
      [2, 1],
      [3, 1],
      [0, 1]
    ]
  ],
  [
    'none',
    [5, 5, 5, 5],
    [
      [3, 0],
      [2, 0],
      [1, 0]
    ]
  ]
])(
  'merges copies into the one that most tokens select: %s',
  (_, counts, merges) => {
    const found = mergesOf(alike(counts), 1);
    expect(found.sort()).toEqual(merges.sort());
  }
);

it('takes along no expert that is unlike the new target', () => {
  // 0 and 1 are alike, and 1 and 2, but not 0 and 2.
  const outputs = [
    [1, 0],
    [1, 0.08],
    [1, 0.17]
  ];
  expect(mergesOf(alike([1, 2, 3], outputs), 1)).toEqual([[0, 1]]);
});

/** Two pairs of experts that are as alike: 0 and 1, 2 and 3. */
function twoPairs(chosen: number[][], weights?: number[][]): LayerEvidence {
  const evidence = alike(
    [5, 5, 5, 5],
    [
      [1, 0],
      [1, 0.02],
      [0, 1],
      [0.02, 1]
    ]
  );
  chosen.forEach(experts => evidence.pairs!.addChoice(experts));
  return {
    ...evidence,
    ...(weights
      ? {
          weights: new WeightPairs(
            weights.map(values => Float32Array.from(values))
          )
        }
      : {})
  };
}

it('merges first, of pairs as alike, the one that the same tokens select', () => {
  expect(mergesOf(twoPairs([[2, 3], [0], [1]]), 3)).toEqual([[3, 2]]);
  expect(mergesOf(twoPairs([[0, 1], [2], [3]]), 3)).toEqual([[1, 0]]);
});

it('merges first, of outputs as alike, the pair of the more alike weights', () => {
  const near = [5, 5];
  const far = [5, -5];
  expect(mergesOf(twoPairs([], [near, far, near, near]), 3)).toEqual([[3, 2]]);
  expect(mergesOf(twoPairs([], [near, near, near, far]), 3)).toEqual([[1, 0]]);
});

it('asks the weights where outputs were seen on few tokens', () => {
  const same = [
    [1, 2],
    [1, 2],
    [1, 2]
  ];
  // One token shows the same outputs: no evidence against weights that differ.
  const byChance = {
    ...alike([3, 2, 1]),
    weights: new WeightPairs(
      [
        [1, 0],
        [0, 1],
        [-1, 0]
      ].map(values => Float32Array.from(values))
    )
  };
  expect(mergesOf(byChance, 1)).toEqual([]);
  // No token shows two of them, and their weights are equal.
  const unseen = {
    ...alike([3, 2, 1]),
    pairs: new ExpertPairs(3),
    weights: new WeightPairs(same.map(values => Float32Array.from(values)))
  };
  expect(mergesOf(unseen, 1)).toEqual([
    [2, 0],
    [1, 0]
  ]);
});

it('protects experts from going, and from what would go into them', () => {
  const evidence = alike([1, 2, 3]);
  const { keep, merge, prune } = decide(evidence, 1, {
    by: 'frequency',
    mergeDifference: 0.1,
    protect: [0]
  });
  expect({ keep, merge, prune }).toEqual({
    keep: [0],
    merge: [],
    prune: [1, 2]
  });
});

it('merges experts of one kind only', () => {
  const kinds = ['network', 'identity', 'network', 'identity'] as const;
  expect(mergesOf(alike([4, 3, 2, 1], undefined, kinds), 2, 1.4)).toEqual([
    [3, 1],
    [2, 0]
  ]);
});

it('tells experts that compute nothing by their outputs', () => {
  const kinds = new ExpertKinds(4);
  for (const input of [Float32Array.of(1, -2), Float32Array.of(0.5, 3)]) {
    kinds.add(
      0,
      input,
      input.map(x => x * (1 + 1e-5))
    );
    kinds.add(1, input, Float32Array.of(0, 0));
    kinds.add(
      2,
      input,
      input.map(x => x + 0.1)
    );
    kinds.add(3, input, Float32Array.of(NaN, NaN));
  }
  expect([0, 1, 2, 3].map(expert => kinds.of(expert))).toEqual([
    'identity',
    'zero',
    'network',
    undefined
  ]);
});

it('gives no rank to a NaN share', () => {
  expect(loraRanks([NaN, 1, Infinity, 1], 4)).toEqual([0, 4, 0, 4]);
  expect(loraRanks([0, 0], 4)).toEqual([0, 0]);
});

it('distributes ranks that sum to the budget, more to larger shares', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 64 }),
      (shares, mean) => {
        const ranks = loraRanks(shares, mean);
        const used = shares.filter(share => share > 0).length;
        expect(ranks.reduce((a, b) => a + b, 0)).toBe(mean * used);
        shares.forEach((share, i) =>
          shares.forEach((other, j) => {
            if (share > other) {
              expect(ranks[i]).toBeGreaterThanOrEqual(ranks[j]);
            }
          })
        );
      }
    )
  );
});
