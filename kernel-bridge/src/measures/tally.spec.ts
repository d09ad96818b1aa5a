/** Tallies against plain counting, over any shape. */
import * as fc from 'fast-check';
import type { RouterIdentity } from '../base/protocol';
import { CHUNK, type RoutingBlock } from './columns';
import {
  EXPERT_METRIC_NAMES,
  LAYER_METRIC_NAMES,
  layerMetrics,
  METRICS,
  type MetricName
} from './metrics';
import { repetition } from './repetition';
import { RouterTally } from './router-tally';

const router = (
  experts: number,
  topK: number,
  score: 'softmax' | 'sigmoid' = 'softmax'
): RouterIdentity => ({ layer: 0, experts, topK, score });

interface Case {
  experts: number;
  topK: number;
  /** Sequences of tokens, each [k] of (expert, weight). */
  sequences: [number, number][][][];
}

/** Any number of experts to 70, any k to all of them, any weights and order, some slots dropped. */
const cases: fc.Arbitrary<Case> = fc
  .integer({ min: 1, max: 70 })
  .chain(experts =>
    fc.integer({ min: 1, max: Math.min(experts, 9) }).chain(topK =>
      fc.record({
        experts: fc.constant(experts),
        topK: fc.constant(topK),
        sequences: fc.array(
          fc.array(
            fc
              .shuffledSubarray(
                Array.from({ length: experts }, (_, e) => e),
                { minLength: topK, maxLength: topK }
              )
              .chain(chosen =>
                fc.tuple(
                  ...chosen.map(e =>
                    fc.tuple(
                      fc.oneof(
                        { weight: 9, arbitrary: fc.constant(e) },
                        { weight: 1, arbitrary: fc.constant(-1) }
                      ),
                      fc.float({ min: 0, max: 1, noNaN: true })
                    )
                  )
                )
              ),
            { maxLength: 12 }
          ),
          { maxLength: 4 }
        )
      })
    )
  );

const blockOf = (tokens: [number, number][][]): RoutingBlock => ({
  selected: Int32Array.from(tokens.flat(), ([e]) => e),
  weights: Float32Array.from(tokens.flat(), ([, w]) => w)
});

const real = (token: [number, number][]): [number, number][] =>
  token.filter(([e]) => e >= 0);

describe('RouterTally', () => {
  it('counts selections, weights, pairs and repeats as plain loops do', () => {
    fc.assert(
      fc.property(cases, ({ experts, topK, sequences }) => {
        const tally = new RouterTally(router(experts, topK));
        sequences.forEach(tokens => tally.add(blockOf(tokens)));

        const all = sequences.flat();
        const slots = all.flatMap(real);
        expect(tally.tokens).toBe(all.length);
        expect(tally.droppedSlots).toBe(all.length * topK - slots.length);
        for (let e = 0; e < experts; e++) {
          const own = slots.filter(([expert]) => expert === e);
          expect(tally.counts[e]).toBe(own.length);
          expect(tally.gateSum[e]).toBeCloseTo(
            own.reduce((sum, [, w]) => sum + w, 0),
            5
          );
        }
        const pairs = tally.pairs();
        for (let i = 0; i < experts; i++) {
          for (let j = 0; j < experts; j++) {
            const together = all.filter(
              token =>
                i !== j &&
                token.some(([e]) => e === i) &&
                token.some(([e]) => e === j)
            );
            expect(pairs[i * experts + j]).toBe(together.length);
          }
        }
        let overlap = 0;
        let any = 0;
        for (const tokens of sequences) {
          for (let t = 1; t < tokens.length; t++) {
            const before = new Set(real(tokens[t - 1]).map(([e]) => e));
            const same = real(tokens[t]).filter(([e]) => before.has(e)).length;
            overlap += same;
            any += same > 0 ? 1 : 0;
          }
        }
        expect([tally.repeated.overlap, tally.repeated.any]).toEqual([
          overlap,
          any
        ]);
      })
    );
  });

  it('takes the largest weight for the first choice, wherever it stands', () => {
    const tally = new RouterTally(router(4, 3));
    tally.add({
      selected: Int32Array.of(0, 1, 2, 3, 1, 0),
      weights: Float32Array.of(0.1, 0.7, 0.2, 0.5, 0.3, 0.2)
    });
    expect([...tally.firstChoice]).toEqual([0, 1, 0, 1]);
    // Ranks are 1 2 0 and 3 1 0.
    const adjacent = tally.pairs('adjacent');
    expect(adjacent[1 * 4 + 0]).toBe(1);
    expect(adjacent[1 * 4 + 2]).toBe(1);
    expect(adjacent[0 * 4 + 2]).toBe(1);
    expect(adjacent[3 * 4 + 0]).toBe(0);
    expect(tally.pairs()[3 * 4 + 0]).toBe(1);
  });

  it('counts the same in one block, in pieces and across chunks', () => {
    const tokens = 3 * CHUNK + 17;
    let state = 7;
    const random = (n: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % n;
    };
    const selected = new Int32Array(tokens * 2);
    const weights = new Float32Array(tokens * 2);
    for (let t = 0; t < tokens; t++) {
      const first = random(8);
      selected.set([first, (first + 1 + random(7)) % 8], t * 2);
      weights.set([0.5 + random(50) / 100, 0.25], t * 2);
    }
    const whole = new RouterTally(router(8, 2));
    whole.add({ selected, weights });
    const pieces = new RouterTally(router(8, 2));
    for (let from = 0; from < tokens; from += 100) {
      pieces.add(
        {
          selected: selected.subarray(from * 2, (from + 100) * 2),
          weights: weights.subarray(from * 2, (from + 100) * 2)
        },
        { continues: from > 0 }
      );
    }
    for (const part of ['counts', 'firstChoice'] as const) {
      expect(pieces[part]).toEqual(whole[part]);
    }
    expect(pieces.pairs()).toEqual(whole.pairs());
    expect(repetition(pieces)).toEqual(repetition(whole));
    expect(whole.transitions).toBe(tokens - 1);
  });

  it('has no transition into its first token, whatever the block is said to continue', () => {
    const tally = new RouterTally(router(3, 1));
    const block = {
      selected: Int32Array.of(0, 1),
      weights: Float32Array.of(1, 1)
    };
    tally.add(block, { continues: true });
    expect(tally.transitions).toBe(1);
    tally.add(block, { continues: true });
    expect(tally.transitions).toBe(3);
    tally.add(block);
    expect(tally.transitions).toBe(4);
  });

  it('tells the same experts for every token from balance', () => {
    const of = (...selected: number[]): number => {
      const tally = new RouterTally(router(4, 2));
      tally.add({
        selected: Int32Array.from(selected),
        weights: Float32Array.from(selected, () => 0.5)
      });
      return layerMetrics(tally).meanTopTokenRate;
    };
    expect(of(0, 1, 1, 0)).toBe(1);
    expect(of(0, 1, 2, 3)).toBe(0);
    // Token rates 1, 2/3, 1/3, 0: ((1 + 2/3) / 2 - 1/2) / (1 - 1/2).
    expect(of(0, 1, 0, 1, 0, 2)).toBeCloseTo(2 / 3, 12);
    // All dropped: less than by chance is none.
    expect(of(-1, -1)).toBe(0);
  });

  it('leaves padding out', () => {
    const block = blockOf([[[0, 1]], [[1, 1]], [[1, 1]], [[2, 1]]] as [
      number,
      number
    ][][]);
    const padded = new RouterTally(router(3, 1));
    padded.add({ ...block, padding: Uint8Array.of(1, 0, 0, 1) });
    expect([padded.tokens, ...padded.counts]).toEqual([2, 0, 2, 0]);
    expect(padded.transitions).toBe(1);
    expect(padded.repeated.firstChoice).toBe(1);
  });

  it('counts weights that are no numbers as such', () => {
    const tally = new RouterTally(router(3, 2));
    tally.add({
      selected: Int32Array.of(0, 1, 2, 1),
      weights: Float32Array.of(NaN, 0.5, Infinity, 0.25)
    });
    expect([...tally.nonFiniteWeights]).toEqual([1, 0, 1]);
    expect([...tally.counts]).toEqual([1, 2, 1]);
    expect([...tally.gateSum]).toEqual([0, 0.75, 0]);
    expect([...tally.firstChoice]).toEqual([0, 2, 0]);
  });

  it.each([
    ['an expert beyond the last', [3], [1], undefined],
    ['a negative one that is not -1', [-2], [1], undefined],
    ['weights of another length', [0], [1, 1], undefined],
    ['logits of another length', [0], [1], [0, 0]]
  ])('refuses %s, naming the layer', (_, selected, weights, logits) => {
    const tally = new RouterTally(router(3, 1));
    expect(() =>
      tally.add({
        selected: Int32Array.from(selected),
        weights: Float32Array.from(weights),
        ...(logits ? { logits: Float32Array.from(logits) } : {})
      })
    ).toThrow(expect.objectContaining({ code: 'input' }));
  });

  it.each([
    [8, 0],
    [8, 9],
    [0, 1]
  ])('refuses a router of %i experts that chooses %i', (experts, topK) => {
    expect(() => new RouterTally(router(experts, topK))).toThrow(/top-/);
  });
});

describe('what logits tell', () => {
  const metricsOf = (
    logits: number[],
    selected: number[],
    { score = 'softmax' as const, are = 'logits' as const } = {}
  ) => {
    const experts = logits.length;
    const tally = new RouterTally(router(experts, selected.length, score), are);
    tally.add({
      selected: Int32Array.from(selected),
      weights: Float32Array.from(selected, () => 0.5),
      logits: Float32Array.from(logits)
    });
    return layerMetrics(tally);
  };

  it('agrees with a distribution worked out by hand', () => {
    // (1/2, 1/4, 1/8, 1/8): H = 7/4 ln 2
    const logits = [4, 2, 1, 1].map(Math.log);
    const metrics = metricsOf(logits, [0, 1]);
    expect(metrics.meanTokenEntropy).toBeCloseTo(1.75 * Math.LN2, 6);
    expect(metrics.meanConfidence).toBeCloseTo(1 - 1.75 / 2, 6);
    expect(metrics.meanTokenEntropyHalfWidth).toBeCloseTo(0, 6);
    expect(metrics.meanMargin).toBeCloseTo(0.25, 6);
    expect(metrics.meanKeptMass).toBeCloseTo(0.75, 6);
    expect(metrics.meanNearMiss).toBeCloseTo(Math.LN2, 6);
    expect(metrics.zLoss).toBeCloseTo(Math.log(8) ** 2, 6);
    expect(metrics.switchLoss).toBeCloseTo(4 * 0.5, 6);
    expect(metrics.decisiveTokenRate).toBe(1);
  });

  it('tells a uniform router from a decisive one', () => {
    expect(metricsOf([0, 0, 0, 0], [0]).decisiveTokenRate).toBe(0);
    expect(metricsOf([0, 0, 0, 0], [0]).meanConfidence).toBeCloseTo(0, 12);
    expect(metricsOf([9, 0, 0, 0], [0]).decisiveTokenRate).toBe(1);
  });

  it('gives the same by the kernel, for a softmax over logits, as by plain loops over its probabilities', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }).chain(quarter =>
          fc.record({
            experts: fc.constant(4 * quarter),
            topK: fc.integer({ min: 1, max: Math.min(16, 4 * quarter) }),
            tokens: fc.integer({ min: 1, max: 20 }),
            spread: fc.constantFrom(0, 0.01, 1, 30, 500)
          })
        ),
        fc.infiniteStream(fc.float({ min: -1, max: 1, noNaN: true })),
        ({ experts, topK, tokens, spread }, values) => {
          const logits = Float32Array.from(
            { length: tokens * experts },
            () => spread * (values.next().value as number)
          );
          const probabilities = logits.map((_, i) => {
            const start = i - (i % experts);
            const row = logits.subarray(start, start + experts);
            const peak = Math.max(...row);
            return (
              Math.exp(logits[i] - peak) /
              row.reduce((sum, x) => sum + Math.exp(x - peak), 0)
            );
          });
          const block = {
            selected: Int32Array.from(
              { length: tokens * topK },
              (_, i) => (i % topK) * Math.floor(experts / topK)
            ),
            weights: new Float32Array(tokens * topK).fill(0.5)
          };
          const [byKernel, byLoops] = [
            { are: 'logits' as const, values: logits },
            { are: 'probabilities' as const, values: probabilities }
          ].map(({ are, values: given }) => {
            const tally = new RouterTally(router(experts, topK), are);
            tally.add({ ...block, logits: given });
            return layerMetrics(tally);
          });
          for (const figure of [
            'meanTokenEntropy',
            'meanMargin',
            'meanKeptMass',
            'switchLoss'
          ] as const) {
            expect(byKernel[figure]).toBeCloseTo(byLoops[figure], 4);
          }
          byKernel.meanProbability.forEach((p, e) =>
            expect(p).toBeCloseTo(byLoops.meanProbability[e], 5)
          );
        }
      )
    );
  });

  it('leaves tokens with logits that are not finite out, and counts them', () => {
    for (const experts of [3, 4]) {
      const tally = new RouterTally(router(experts, 1));
      const row = (...values: number[]): number[] => [
        ...values,
        ...new Array<number>(experts - 2).fill(-Infinity)
      ];
      tally.add({
        selected: Int32Array.of(0, 1, 1),
        weights: Float32Array.of(1, 1, 1),
        logits: Float32Array.from([
          ...row(0, 0),
          ...row(NaN, 0),
          ...row(-Infinity, 2)
        ])
      });
      const { logits } = tally;
      expect([logits.tokens, logits.nonFiniteTokens]).toEqual([2, 1]);
      // One token between two experts, and one with all but one masked.
      expect(layerMetrics(tally).meanTokenEntropy).toBeCloseTo(Math.LN2 / 2, 6);
    }
  });

  it('is defined for one expert, for all selected, and for no token', () => {
    expect(metricsOf([3], [0]).meanConfidence).toBe(1);
    expect(metricsOf([1, 2], [1, 0]).meanNearMiss).toBeNaN();
    const nothing = layerMetrics(new RouterTally(router(4, 2)));
    expect(nothing.jain).toBeNaN();
    expect(nothing.meanConfidence).toBeNaN();
    expect([...nothing.tokenRateUpperBound]).toEqual([1, 1, 1, 1]);
  });

  it('never gives a figure outside its range', () => {
    const within = (name: MetricName, value: number): boolean => {
      const [least, largest] = METRICS[name].range;
      return (
        Number.isNaN(value) ||
        (value >= least - 1e-9 && value <= largest + 1e-9)
      );
    };
    fc.assert(
      fc.property(
        cases,
        fc.infiniteStream(fc.float()),
        ({ experts, topK, sequences }, values) => {
          const tally = new RouterTally(router(experts, topK));
          for (const tokens of sequences) {
            tally.add({
              ...blockOf(tokens),
              logits: Float32Array.from(
                { length: tokens.length * experts },
                () => values.next().value as number
              )
            });
          }
          const metrics = layerMetrics(tally);
          const outside = [
            ...LAYER_METRIC_NAMES.map(name => [name, [metrics[name]]] as const),
            ...EXPERT_METRIC_NAMES.map(name => [name, metrics[name]] as const)
          ].filter(([name, own]) => own.some(value => !within(name, value)));
          expect(outside).toEqual([]);
        }
      )
    );
  });
});
