/** Formulas against values worked out by hand or taken from the papers. */
import * as fc from 'fast-check';
import {
  absoluteBalance,
  capacityDropRate,
  coefficientOfVariation,
  expertCapacity,
  jainIndex,
  loadEntropy,
  maxViolation,
  pooledAuxiliaryLoss,
  switchAuxiliaryLoss
} from './balance';
import { coactivation, generalists, specialistPairs } from './coactivation';
import { expertImportance, naeeKeptSets } from './importance';
import { balancedPacking, planReplicas, replicate } from './replicas';
import { LAYER_METRICS } from './layer-metrics';
import { randomAnyOverlap } from './repetition';
import {
  cosine,
  jaccard,
  ckaMatrix,
  linearCka,
  pipelines,
  relativeDifference
} from './similarity';
import { routerSaturation, vocabularySpecialisation } from './specialisation';
import { rankAtVariance, typeTest } from './type-test';
import { WindowCounts, MAX_WINDOWS } from './window-counts';

it('divides dropped slots by all slots', () => {
  // 3 + 1 selections and 4 slots without an expert.
  const { compute } = LAYER_METRICS.droppedSlotRate;
  expect(compute({ counts: [3, 1], droppedSlots: 4 } as never)).toBe(0.5);
});

describe('balance', () => {
  it('is 1 of equal loads, and worked out by hand of (3, 1)', () => {
    expect(jainIndex([5, 5])).toBe(1);
    expect(jainIndex([3, 1])).toBeCloseTo(16 / 20, 12);
    expect(coefficientOfVariation([3, 1])).toBeCloseTo(0.5, 12);
    expect(maxViolation([3, 1])).toBeCloseTo(0.5, 12);
    expect(absoluteBalance([3, 1])).toBeCloseTo(0.75, 12);
    expect(loadEntropy([3, 1])).toBeCloseTo(0.8112781, 6);
    expect(loadEntropy([7])).toBe(1);
    expect(loadEntropy([4, 0])).toBe(0);
  });

  it('has Jain = 1 / (1 + CV^2)', () => {
    fc.assert(
      fc.property(
        fc
          .array(fc.nat(1000), { minLength: 1 })
          .filter(c => c.some(x => x > 0)),
        counts => {
          expect(jainIndex(counts)).toBeCloseTo(
            1 / (1 + coefficientOfVariation(counts) ** 2),
            9
          );
        }
      )
    );
  });

  it('has auxiliary losses of 1 and k at balance; pooled layers hide what each of them shows', () => {
    expect(switchAuxiliaryLoss([5, 5], [5, 5], 10)).toBeCloseTo(1, 12);
    const layers = [
      { counts: [10, 0], probability: [10, 0], tokens: 10 },
      { counts: [0, 10], probability: [0, 10], tokens: 10 }
    ];
    expect(pooledAuxiliaryLoss(layers)).toBeCloseTo(1, 12);
    expect(switchAuxiliaryLoss([10, 0], [10, 0], 10)).toBeCloseTo(2, 12);
  });

  it('drops what is over capacity', () => {
    expect(expertCapacity(10, 4, 1, 1.25)).toBe(4);
    expect(capacityDropRate([6, 2, 1, 1], 4)).toBeCloseTo(0.2, 12);
  });
});

describe('co-activation', () => {
  // Experts 0 and 1 together on 2 of 4 tokens, 0 and 2 on 1.
  const pairs = [0, 2, 1, 2, 0, 0, 1, 0, 0];

  it('is asymmetric', () => {
    const matrix = coactivation(pairs, [4, 2, 1]);
    expect(matrix[1]).toBe(0.5);
    expect(matrix[3]).toBe(1);
    expect(matrix[0]).toBeNaN();
  });

  it('has specialist pairs and generalists', () => {
    expect(specialistPairs(pairs, 3, 4)).toEqual([[0, 1]]);
    expect(generalists(pairs, 3)).toEqual([0]);
  });
});

it('random overlap agrees with counting all choices', () => {
  // 6 pairs of 4; one of them is disjoint from a given one.
  expect(randomAnyOverlap(4, 2)).toBeCloseTo(5 / 6, 12);
  expect(randomAnyOverlap(3, 3)).toBe(1);
});

describe('specialisation', () => {
  it('is saturated when the final experts are chosen, in any order', () => {
    expect(routerSaturation([0, 1, 2, 3], [1, 0, 2, 5], 2)).toBe(0.75);
  });

  it('counts the largest share of ids seen often enough', () => {
    const result = vocabularySpecialisation(
      [
        [8, 2],
        [1, 9],
        [1, 0]
      ],
      [10, 10, 1],
      2
    );
    expect(result.ids).toBe(2);
    expect(result.mean).toBeCloseTo(0.85, 12);
    expect([...result.byExpert]).toEqual([0.8, 0.9]);
  });
});

describe('similarity', () => {
  it('has cosine and relative difference of a right angle and of itself', () => {
    expect(cosine([1, 0], [0, 2])).toBe(0);
    expect(cosine([1, 2], [2, 4])).toBeCloseTo(1, 12);
    expect(relativeDifference([1, 0], [0, 1])).toBeCloseTo(Math.SQRT2, 12);
    expect(relativeDifference([3, 4], [3, 4])).toBe(0);
  });

  it('has CKA 1 of a rotated and scaled copy, whatever is added to all tokens', () => {
    const x = [1, 0, 0, 1, 2, 1, -1, 3];
    const rotated = [0, 2, -2, 0, -2, 4, -6, -2].map(v => v + 5);
    expect(linearCka(x, rotated, 4)).toBeCloseTo(1, 12);
    const other = [1, 2, 3, 5];
    const matrix = ckaMatrix([x, rotated, other], 4);
    expect([matrix[1], matrix[5], matrix[6]]).toEqual([
      expect.closeTo(1, 12),
      expect.closeTo(linearCka(rotated, other, 4), 12),
      expect.closeTo(linearCka(x, other, 4), 12)
    ]);
  });

  it('is zero of disjoint sets', () => {
    expect(jaccard(new Set([1, 2]), new Set([2, 3]))).toBeCloseTo(1 / 3, 12);
    expect(jaccard(new Set(), new Set())).toBe(1);
  });

  it('matches each expert once, the strongest first', () => {
    // Columns of the later layer are the earlier one's exchanged.
    const earlier = [1, 0, 0.8, 0.2, 0, 1, 0.3, 0.7];
    const later = [0, 1, 0.2, 0.8, 1, 0, 0.7, 0.3];
    expect(
      pipelines(earlier, later, 4)
        .map(({ from, to }) => [from, to])
        .sort()
    ).toEqual([
      [0, 1],
      [1, 0]
    ]);
    expect(pipelines([1, 1], [1, 2], 2)).toEqual([]);
  });
});

describe('importance', () => {
  it('is REAP, EAN and gates worked out by hand', () => {
    const result = expertImportance(
      [0, 1, 1, -1],
      [0.5, 0.5, 1, 0],
      [2, 4, 6, 9],
      3
    );
    expect([...result.ean]).toEqual([2, 10, 0]);
    expect([...result.gateSum]).toEqual([0.5, 1.5, 0]);
    expect(result.reap[0]).toBe(1);
    expect(result.reap[1]).toBe(4);
    expect(result.reap[2]).toBeNaN();
  });

  it('keeps the experts that tokens choose (NAEE)', () => {
    const logits = [5, 0, -5, 0, 5, -5];
    const outputs = [1, 2, 3, 4, 5, 6];
    const [best, ...rest] = naeeKeptSets(logits, outputs, {
      experts: 3,
      topK: 1,
      width: 1,
      keep: 2
    });
    expect(best).toEqual({ experts: [0, 1], error: 0 });
    // Without expert 1 the second token takes expert 0: |4 - 5|.
    expect(rest[0]).toEqual({ experts: [0, 2], error: 1 });
    expect(() =>
      naeeKeptSets(logits, outputs, { experts: 3, topK: 2, width: 1, keep: 1 })
    ).toThrow(/keep at least 2/);
  });
});

describe('replicas', () => {
  const plans = fc
    .record({
      devices: fc.integer({ min: 1, max: 4 }),
      loads: fc.array(fc.nat(100), { minLength: 1, maxLength: 12 }),
      extra: fc.nat(3)
    })
    .map(({ devices, loads, extra }) => ({
      loads,
      devices,
      replicas: (Math.ceil(loads.length / devices) + extra) * devices
    }));

  it('places every expert at least once and loses no load', () => {
    fc.assert(
      fc.property(plans, ({ loads, devices, replicas }) => {
        const plan = planReplicas(loads, {
          replicas,
          devices,
          groups: 1,
          nodes: 1
        });
        expect(plan.experts).toHaveLength(replicas);
        loads.forEach((_, e) =>
          expect(plan.experts.filter(x => x === e)).toHaveLength(plan.count[e])
        );
        expect(Math.min(...plan.count)).toBeGreaterThan(0);
        expect(plan.deviceLoad.reduce((a, b) => a + b, 0)).toBeCloseTo(
          loads.reduce((a, b) => a + b, 0),
          6
        );
      })
    );
  });

  it('packs the heaviest first and replicates the heaviest', () => {
    expect(balancedPacking([1, 9, 8, 2], 2)).toEqual([
      [1, 0],
      [2, 3]
    ]);
    expect(replicate([1, 9], 4)).toEqual([0, 1, 1, 1]);
  });

  it('refuses what does not divide', () => {
    expect(() =>
      planReplicas([1, 2, 3], { replicas: 4, devices: 3, groups: 1, nodes: 1 })
    ).toThrow(/do not divide/);
  });
});

describe('type test', () => {
  const base = [1, 2, -1, 0.5, 3, -2];

  it('tells copies from unrelated experts', () => {
    const copies = [0, 1, 2].map(i =>
      base.map((x, j) => x + (i === j ? 0.1 : 0))
    );
    expect(typeTest(copies).type).toBe('upcycled');
    expect(
      typeTest([
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1]
      ])
    ).toEqual({
      type: 'pretrained',
      meanPairwiseCosine: 0
    });
  });

  it('has the rank of a matrix with known singular values', () => {
    // Squares 100, 4, 1: 95 % by the first, 99 % by two.
    expect(rankAtVariance([10, 0, 0, 0, 2, 0, 0, 0, 1], 3)).toBe(1);
    expect(rankAtVariance([10, 0, 0, 0, 2, 0, 0, 0, 1], 3, 0.99)).toBe(2);
    expect(rankAtVariance([1, 2, 2, 4, 3, 6], 3)).toBe(1);
    expect(rankAtVariance([1, 0, 0, 0, 1, 0], 2)).toBe(2);
    expect(rankAtVariance([], 0)).toBe(0);
  });

  it.each([
    // Shares of the squared singular values that numpy.linalg.svd (NumPy 2.4) gives, summed.
    [
      'a tall matrix',
      (i: number) => Math.sin(i ** 2 * 0.7),
      40,
      12,
      [
        0.1587269500164, 0.2931279517215, 0.4085794506024, 0.5115260202666,
        0.6062787701321, 0.6954716995082, 0.7654963677819, 0.8267309213693,
        0.8813317565173, 0.9306685466379, 0.9707138537851
      ]
    ],
    [
      'a wide matrix',
      (i: number) => Math.cos(i ** 2 * 0.3),
      24,
      100,
      [
        0.0720523687396, 0.1365319768974, 0.1990911079787, 0.2581051348646,
        0.3150285224237, 0.3691055443494, 0.4230935032027, 0.4725793460998,
        0.5209140624094, 0.5660780561224, 0.6103847585244, 0.6536164321619,
        0.693959496139, 0.7319687682313, 0.7679317402991, 0.8019883279088,
        0.8354025341144, 0.86488879891, 0.8922430999151, 0.9171354424252,
        0.9412448381886, 0.9625087588429, 0.9815923912142
      ]
    ],
    [
      'the Hilbert matrix, whose singular values span seven orders of magnitude',
      (i: number) => 1 / (Math.floor(i / 6) + (i % 6) + 1),
      6,
      6,
      [0.977981703403918, 0.99990045258982, 0.9999998584603]
    ]
  ])('has the rank of %s', (_, value, rows, columns, shares) => {
    const matrix = Array.from({ length: rows * columns }, (__, i) => value(i));
    const ranks = (shift: number): number[] =>
      shares.map(share => rankAtVariance(matrix, rows, share + shift));
    expect(ranks(-1e-9)).toEqual(shares.map((__, i) => i + 1));
    expect(ranks(1e-9)).toEqual(shares.map((__, i) => i + 2));
  });

  it('has no rank of numbers that are not finite', () => {
    expect(rankAtVariance([1, 2, NaN, 4], 2)).toBeNaN();
    expect(rankAtVariance([1, 2, Infinity, 4], 2)).toBeNaN();
  });
});

it('windows over time lose nothing when they double', () => {
  const windows = new WindowCounts(2, 4);
  const pieces = 5 * MAX_WINDOWS;
  for (let i = 0; i < pieces; i++) {
    windows.add([i % 2, 1], 4);
  }
  expect(windows.windows.length).toBeLessThanOrEqual(MAX_WINDOWS);
  expect(windows.windows.reduce((n, { tokens }) => n + tokens, 0)).toBe(
    4 * pieces
  );
  expect(windows.windows.reduce((n, { counts }) => n + counts[0], 0)).toBe(
    pieces / 2
  );
});
