/** Figures that others published, from their own data. */
import {
  ESFT_TOKENS,
  esftBlocks,
  esftSummary,
  hasEsftTrace,
  NO_ESFT,
  published,
  PUBLISHED_TOKENS,
  type Domain
} from '../../test/published-routing';
import { titled } from '../../test/zoo';
import {
  coefficientOfVariation,
  jainIndex,
  loadEntropy,
  maxViolation,
  tokenRates
} from './balance';
import { strongestPairs } from './coactivation';
import { esftGateScores, esftSelection, esftTokenScores } from './esft';
import { layerMetrics } from './metrics';
import { planReplicas } from './replicas';
import { randomAnyOverlap } from './repetition';
import { RouterTally } from './router-tally';

const round = (value: number, digits: number): number =>
  Number(value.toFixed(digits));

describe('OLMoE and Mixtral counts', () => {
  const counts = (
    model: 'olmoe' | 'mistral',
    domain: Domain,
    layer: number
  ): number[] => published.counts[model][domain].expert_counts[layer];

  it.each([
    ['c4', 0, 0.9897, 0.3242, 0.9049, 2.017],
    ['c4', 7, 0.9817, 0.4023, 0.8607, 1.658],
    ['c4', 15, 0.9683, 0.5124, 0.792, 1.499],
    ['github', 7, 0.8514, 1.3489, 0.3547, 5.157]
  ] as const)(
    'OLMoE %s layer %i: entropy %d, CV %d, Jain %d, MaxVio %d',
    (domain, layer, entropy, cv, jain, maxVio) => {
      const c = counts('olmoe', domain, layer);
      expect([
        round(loadEntropy(c), 4),
        round(coefficientOfVariation(c), 4),
        round(jainIndex(c), 4),
        round(maxViolation(c), 3)
      ]).toEqual([entropy, cv, jain, maxVio]);
    }
  );

  it('OLMoE github layer 7: 77 % of tokens select expert 17', () => {
    const rates = tokenRates(counts('olmoe', 'github', 7), PUBLISHED_TOKENS);
    expect(round(rates[17], 4)).toBe(0.7696);
  });

  it('no expert is dead at top-8; two are at top-1', () => {
    const { expert_counts, expert_counts_top1 } = published.counts.olmoe.github;
    const dead = (c: number[]): number => c.filter(n => n === 0).length;
    expect([dead(expert_counts[7]), dead(expert_counts_top1[7])]).toEqual([
      0, 2
    ]);
  });

  it.each([
    [0, 0.9907],
    [7, 0.9983],
    [15, 0.9764]
  ])('Mixtral c4 layer %i: Jain %d', (layer, jain) => {
    expect(round(jainIndex(counts('mistral', 'c4', layer)), 4)).toBe(jain);
  });
});

it("Mixtral's random baselines: 12.5 % first choice, 46.4 % first or second", () => {
  expect(round(randomAnyOverlap(8, 2) * 100, 1)).toBe(46.4);
  expect(round(randomAnyOverlap(8, 1) * 100, 1)).toBe(12.5);
});

it("EPLB's worked example", () => {
  const options = { replicas: 16, groups: 4, nodes: 2, devices: 8 };
  expect(
    [
      [90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86],
      [20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27]
    ].map(loads => planReplicas(loads, options).experts)
  ).toEqual([
    [5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1],
    [7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1]
  ]);
});

it('ESFT selects the published experts from the published scores', () => {
  for (const { tokenScores, selected } of Object.values(published.esft)) {
    expect(esftSelection(tokenScores, 0.2)).toEqual(selected);
  }
});

it("ESFT's scores to 4 decimals follow from the sums over its trace, in 26 of 26 layers", () => {
  const layers = Object.values(published.esft);
  expect(layers).toHaveLength(26);
  const rounded = (scores: Float64Array): number[] =>
    Array.from(scores, score => round(score, 4));
  for (const { counts, gateSums, tokenScores, gateScores } of layers) {
    expect(rounded(esftTokenScores(counts, ESFT_TOKENS, 6))).toEqual(
      tokenScores
    );
    expect(rounded(esftGateScores(gateSums, ESFT_TOKENS))).toEqual(gateScores);
  }
});

(hasEsftTrace ? describe : describe.skip)(
  titled("ESFT's trace", hasEsftTrace, NO_ESFT),
  () => {
    const tallies = new Map<number, RouterTally>();
    const tally = (layer: number): RouterTally => {
      let found = tallies.get(layer);
      if (!found) {
        found = new RouterTally({
          layer,
          experts: 64,
          topK: 6,
          score: 'softmax'
        });
        for (const block of esftBlocks(layer)) {
          found.add(block);
        }
        tallies.set(layer, found);
      }
      return found;
    };

    it('gives the published scores to 4 decimals and the published experts, in 26 of 26 layers', () => {
      const summary = esftSummary();
      for (let layer = 1; layer <= 26; layer++) {
        const { counts, gateSum, tokens } = tally(layer);
        expect(tokens).toBe(ESFT_TOKENS);
        const scores = esftTokenScores(counts, tokens, 6);
        const rounded = (values: Float64Array): Record<string, number> =>
          Object.fromEntries(
            Array.from(values, (value, e) => [String(e), round(value, 4)])
          );
        expect(rounded(scores)).toEqual(summary.token_scores[layer]);
        expect(rounded(esftGateScores(gateSum, tokens))).toEqual(
          summary.gate_scores[layer]
        );
        // ESFT selects from scores as it writes them, rounded.
        expect(
          esftSelection(
            scores.map(score => round(score, 4)),
            0.2
          )
        ).toEqual(published.esft[layer].selected);
      }
    });

    it.each([
      [1, 0.9368, 0.6113, 3.176],
      [13, 0.9116, 0.5352, 3.001],
      [26, 0.9296, 0.5933, 2.572]
    ])(
      'layer %i: entropy %d, Jain %d, MaxVio %d',
      (layer, entropy, jain, maxVio) => {
        const metrics = layerMetrics(tally(layer));
        expect([
          round(metrics.loadEntropy, 4),
          round(metrics.jain, 4),
          round(metrics.maxVio, 3)
        ]).toEqual([entropy, jain, maxVio]);
      }
    );

    it.each([
      [1, 0.0404, 0.5376, 0.962],
      [13, 0.1874, 0.874, 1.9211],
      [26, 0.0875, 0.6598, 1.4004]
    ])(
      'layer %i: first choice repeats %d, any overlap %d, overlap %d of 6',
      (layer, first, any, mean) => {
        const metrics = layerMetrics(tally(layer));
        expect([
          round(metrics.firstChoiceRepetition, 4),
          round(metrics.anyOverlapRepetition, 4),
          round(metrics.meanOverlap, 4)
        ]).toEqual([first, any, mean]);
      }
    );

    it.each([
      [1, 17, 6, 0.8596],
      [13, 44, 29, 0.9714],
      [26, 34, 26, 0.9791]
    ])(
      'layer %i: highest co-activation, given %i of %i, is %d',
      (layer, expert, partner, conditional) => {
        const { counts, tokens } = tally(layer);
        const pairs = tally(layer).pairs();
        const [best] = strongestPairs(pairs, counts, tokens);
        expect(best).toMatchObject({ expert, partner });
        expect(round(best.conditional, 4)).toBe(conditional);
      }
    );
  }
);
