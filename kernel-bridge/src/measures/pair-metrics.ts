/** Metrics of two experts, each with arguments of its own. */
import { coactivation, specialistPairs } from './coactivation';
import type { Metric } from './metric';
import {
  cosine,
  jaccard,
  linearCka,
  pipelines,
  relativeDifference
} from './similarity';

type PairMetric = Metric<(...given: never[]) => unknown>;

export const PAIR_METRICS = {
  coactivation: {
    title: 'P(column | row)',
    unit: 'share',
    formula: 'N(i, j) / c_i: of the tokens that select i, those that select j',
    source: 'OLMoE, arXiv 2409.02060, section 4.3',
    needs: ['ids'],
    range: [0, 1],
    compute: coactivation
  },
  pairTokenRate: {
    title: 'pair rate',
    unit: 'share',
    formula: 'N(i, j) / T; a specialist pair is above 0.3',
    source: 'Lazarus',
    needs: ['ids'],
    range: [0, 1],
    compute: specialistPairs
  },
  jaccard: {
    title: 'Jaccard index',
    unit: 'share',
    formula: '|A and B| / |A or B| over the sets of what selects two experts',
    source: 'Jaccard 1901',
    needs: ['ids', 'tokenIds'],
    range: [0, 1],
    compute: jaccard
  },
  cosine: {
    title: 'cosine',
    unit: '',
    formula: 'a b / (||a|| ||b||) of weights, or of outputs on the same tokens',
    needs: ['expertWeights', 'expertOutputs'],
    range: [-1, 1],
    compute: cosine
  },
  relativeWeightDifference: {
    title: 'difference of weights',
    unit: '',
    formula:
      '||a - b|| / sqrt((||a||^2 + ||b||^2) / 2) over all weights of two experts',
    needs: ['expertWeights'],
    range: [0, 2],
    compute: relativeDifference
  },
  relativeOutputDifference: {
    title: 'difference of outputs',
    unit: '',
    formula:
      '||a - b|| / sqrt((||a||^2 + ||b||^2) / 2) over all outputs of two experts',
    needs: ['expertOutputs'],
    range: [0, 2],
    compute: relativeDifference
  },
  linearCka: {
    title: 'linear CKA',
    unit: '',
    formula: "||Y'X||_F^2 / (||X'X||_F ||Y'Y||_F) of outputs, columns centred",
    source: 'Kornblith et al. 2019, arXiv 1905.00414',
    needs: ['expertOutputs'],
    range: [0, 1],
    compute: linearCka
  },
  pipelineCorrelation: {
    title: 'pipeline',
    unit: '',
    formula:
      'Pearson correlation of the g of experts of two layers over tokens, matched greedily, above 0.3',
    source: 'Lazarus',
    needs: ['ids', 'weights'],
    range: [-1, 1],
    compute: pipelines
  }
} satisfies Record<string, PairMetric>;
