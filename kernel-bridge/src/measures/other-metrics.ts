/** Metrics of texts, of traces and of what experts compute, each with arguments of its own. */
import { benjaminiHochberg } from '../base/statistics/multiple-testing';
import {
  capacityDropRate,
  expertCapacity,
  pooledAuxiliaryLoss
} from './balance';
import { expertImportance, naeeKeptSets } from './importance';
import type { Metric } from './metric';
import { countNonFinite, nonFiniteTokens } from './non-finite';
import { randomAnyOverlap } from './repetition';
import {
  balancedLoad,
  routerSaturation,
  classTokenRate,
  lift,
  rateRatio,
  slotShareOfExpert,
  uniformTokenRate,
  vocabularySpecialisation
} from './specialisation';
import { totalVariation } from './total-variation';
import { rankAtVariance, typeTest } from './type-test';

type OtherMetric = Metric<(...given: never[]) => unknown>;

export const OTHER_METRICS = {
  uniformTokenRate: {
    title: 'token rate at balance',
    unit: 'share',
    formula: 'k / E',
    needs: [],
    range: [0, 1],
    compute: uniformTokenRate
  },
  balancedLoad: {
    title: 'selections at balance',
    unit: 'tokens',
    formula: 'k T / E',
    needs: ['ids'],
    range: [0, Infinity],
    compute: balancedLoad
  },
  randomAnyOverlap: {
    title: 'any expert repeated by chance',
    unit: 'share',
    formula: '1 - C(E - k, k) / C(E, k)',
    source: 'Mixtral, arXiv 2401.04088',
    needs: [],
    range: [0, 1],
    compute: randomAnyOverlap
  },
  pooledAuxiliaryLoss: {
    title: 'pooled auxiliary loss',
    unit: '',
    formula:
      'E sum over e of a_e (mean p of e), all layers as if they were one; k at balance. Layers out of balance in opposite ways cancel',
    source:
      "Hugging Face's load_balancing_loss_func; transformers#28255, #31464",
    needs: ['ids', 'logits'],
    range: [0, Infinity],
    better: 'low',
    compute: pooledAuxiliaryLoss
  },
  expertCapacity: {
    title: 'capacity',
    unit: 'tokens',
    formula: 'ceil(k T / E factor)',
    source: 'GShard, arXiv 2006.16668',
    needs: ['ids'],
    range: [0, Infinity],
    compute: expertCapacity
  },
  capacityDropRate: {
    title: 'slots that a capacity would drop',
    unit: 'share',
    formula: 'sum of max(0, c - capacity) / sum c',
    needs: ['ids'],
    range: [0, 1],
    better: 'low',
    compute: capacityDropRate
  },
  totalVariation: {
    title: 'selections that moved',
    unit: 'share',
    formula: 'sum |f - f of the other| / 2',
    needs: ['ids'],
    range: [0, 1],
    compute: totalVariation
  },
  slotShareOfExpert: {
    title: 'share of a class in the selections of an expert',
    unit: 'share',
    formula: 'selections of the expert by tokens of the class / c',
    needs: ['ids', 'texts', 'domains'],
    range: [0, 1],
    compute: slotShareOfExpert
  },
  classTokenRate: {
    title: 'share of a class that an expert takes',
    unit: 'share',
    formula: 'tokens of the class that select the expert / tokens of the class',
    needs: ['ids', 'texts', 'domains'],
    range: [0, 1],
    compute: classTokenRate
  },
  rateRatio: {
    title: 'rate of a class over that of other tokens',
    unit: '',
    formula:
      'share of the class that selects the expert / share of all other tokens that does',
    needs: ['ids', 'texts', 'domains'],
    range: [0, Infinity],
    compute: rateRatio
  },
  lift: {
    title: 'lift of a class in the selections of an expert',
    unit: '',
    formula:
      'share of the class in the selections of the expert / share of the class in all tokens; at most 1 / the latter',
    needs: ['ids', 'texts', 'domains'],
    range: [0, Infinity],
    compute: lift
  },
  correctedP: {
    title: 'corrected p',
    unit: 'p',
    formula: 'min over larger p of p tests / rank',
    source: 'Benjamini and Hochberg 1995',
    needs: [],
    range: [0, 1],
    compute: benjaminiHochberg
  },
  vocabularySpecialisation: {
    title: 'vocabulary specialisation',
    unit: 'share',
    formula:
      'mean over token ids seen 10 times of the largest share of the selections that an expert has',
    source: 'OLMoE, arXiv 2409.02060, section 4',
    needs: ['ids', 'tokenIds'],
    range: [0, 1],
    compute: vocabularySpecialisation
  },
  routerSaturation: {
    title: 'router saturation',
    unit: 'share',
    formula: 'mean over tokens of |experts at a checkpoint and at the end| / k',
    source: 'OLMoE, arXiv 2409.02060, section 4',
    needs: ['ids'],
    range: [0, 1],
    compute: routerSaturation
  },
  nonFiniteTokens: {
    title: 'tokens with a value that is not finite',
    unit: 'tokens',
    formula: 'tokens with a logit or a weight that is NaN or infinite',
    needs: ['weights', 'logits'],
    range: [0, Infinity],
    better: 'low',
    compute: nonFiniteTokens
  },
  nonFiniteWeights: {
    title: 'weights that are not finite',
    unit: 'values',
    formula: 'weights of the expert that are NaN or infinite',
    needs: ['expertWeights'],
    range: [0, Infinity],
    better: 'low',
    compute: countNonFinite
  },
  nonFiniteOutputs: {
    title: 'outputs that are not finite',
    unit: 'values',
    formula: 'outputs of the expert that are NaN or infinite',
    needs: ['expertOutputs'],
    range: [0, Infinity],
    better: 'low',
    compute: countNonFinite
  },
  expertImportance: {
    title: 'importance',
    unit: 'norm',
    formula:
      'REAP: mean over the tokens routed to e of g ||f_e(x)||; EAN: sum of ||f_e(x)||; weighted frequency: sum g',
    source: 'REAP, arXiv 2510.13999',
    needs: ['ids', 'weights', 'expertOutputs'],
    range: [0, Infinity],
    compute: expertImportance
  },
  naeeError: {
    title: 'error of a kept set',
    unit: 'norm',
    formula: '||Z - Z of the kept experts||_F over the outputs Z of the layer',
    source: 'NAEE, arXiv 2402.14800',
    needs: ['logits', 'expertOutputs'],
    range: [0, Infinity],
    better: 'low',
    compute: naeeKeptSets
  },
  meanPairwiseCosine: {
    title: 'mean cosine of experts',
    unit: '',
    formula: 'mean cosine of the weights of all pairs; above 0.5: upcycled',
    source: 'Lazarus',
    needs: ['expertWeights'],
    range: [-1, 1],
    compute: typeTest
  },
  rankAtVariance: {
    title: 'rank at 95 % of the variance',
    unit: 'rank',
    formula: 'fewest singular values whose squares sum to 95 % of all',
    source: 'Lazarus',
    needs: ['expertWeights'],
    range: [0, Infinity],
    compute: rankAtVariance
  }
} satisfies Record<string, OtherMetric>;
