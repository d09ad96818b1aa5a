/** What each kind of finding is, which threshold decides it, and what must be known to look for it. */
import type { FindingKind } from '../../base/protocol';
import type { Need } from '../../measures';
import type { Thresholds } from './thresholds';

/** What a trace, a model or a caller must provide. */
export type FindingNeed =
  Need | 'graph' | 'modelOutputs' | 'baseline' | 'series' | 'twoDomains';

export interface KindOfFinding {
  /** When it is found, in words. */
  when: string;
  threshold?: keyof Thresholds;
  /** What is looked at, and what that needs. A part whose needs are not met is not looked at. */
  parts: Readonly<Record<string, readonly FindingNeed[]>>;
  /** How sure a finding is. */
  certainty: string;
}

/** What classes of tokens are known by. */
const CLASSES: KindOfFinding['parts'] = {
  'token types and what is before them': ['texts'],
  domains: ['domains', 'twoDomains'],
  positions: ['ids']
};
const OVER_TEXTS = 'corrected p over texts; of token types over tokens too';

const OVER_TIME: KindOfFinding['parts'] = {
  'texts in the order of a trace': ['ids', 'series']
};
const IN_TIME =
  'corrected p, over texts, at a tenth of the significance; false alarms in less than 1 % of stationary traces';

export const KINDS: Readonly<Record<FindingKind, KindOfFinding>> = {
  'non-finite': {
    when: 'NaN or infinity in expert weights, router logits or outputs; the expert by elimination',
    parts: {
      "the router's weights": ['weights'],
      "the router's logits": ['logits'],
      "the model's output": ['modelOutputs'],
      "the experts' parameters": ['expertWeights']
    },
    certainty: 'counted, not estimated'
  },
  'lost-experts': {
    when: 'the router can select experts that the graph has no path for: an export that traced one run',
    parts: { "the model's graph": ['graph'] },
    certainty: 'read from the graph, not estimated'
  },
  'router-collapse': {
    when: 'one expert is first choice, or the same k experts are selected, regardless of the token',
    threshold: 'collapse_threshold',
    parts: { selections: ['ids'] },
    certainty: '95 %, one-sided, over effective tokens'
  },
  'dead-expert': {
    when: 'no token selects it, and the upper bound of its rate is below the cold threshold',
    threshold: 'dead_expert_threshold',
    parts: { selections: ['ids'] },
    certainty: '95 %, one-sided, over effective tokens'
  },
  'cold-expert': {
    when: 'the upper bound of its token rate is below the threshold, or below a tenth of balance',
    threshold: 'cold_expert_threshold',
    parts: { selections: ['ids'] },
    certainty: '95 %, one-sided, over effective tokens'
  },
  'load-imbalance': {
    when: "Jain's index is below the threshold, by more than texts differ from each other",
    threshold: 'load_balance_threshold',
    parts: { selections: ['ids'] },
    certainty: '95 %, one-sided, over groups of new text'
  },
  'low-confidence': {
    when: 'fewer than this share of tokens have a perplexity exp(H) below 99 % of the number of experts',
    threshold: 'routing_confidence_threshold',
    parts: { "the router's logits": ['logits'] },
    certainty: '95 %, one-sided, over effective tokens'
  },
  'duplicate-experts': {
    when: 'equal or nearly equal weights, or outputs',
    threshold: 'duplicate_similarity_threshold',
    parts: {
      "the experts' parameters": ['expertWeights'],
      "the experts' outputs": ['expertOutputs']
    },
    certainty: 'measured, not estimated'
  },
  'specialist-expert': {
    when: 'one class of tokens, domain or position makes up this share of what selects it, or it is selected by this share of the tokens of a domain, far above chance',
    threshold: 'specialist_threshold',
    parts: CLASSES,
    certainty: OVER_TEXTS
  },
  'partial-specialist': {
    when: 'a class of tokens, domain or position selects it at this many times the rate of other tokens, and it is no specialist of it',
    threshold: 'partial_specialist_threshold',
    parts: CLASSES,
    certainty: OVER_TEXTS
  },
  'capacity-overflow': {
    when: 'slots without an expert, where the model or the trace says that its experts have a capacity',
    threshold: 'capacity_drop_threshold',
    parts: { selections: ['ids'] },
    certainty: 'counted, not estimated'
  },
  'empty-slots': {
    when: 'slots without an expert, where nothing says that experts have a capacity: masked, absent or padded',
    threshold: 'capacity_drop_threshold',
    parts: { selections: ['ids'] },
    certainty: 'counted, not estimated'
  },
  drift: {
    when: 'slot shares moved against a baseline, by more than texts differ',
    threshold: 'drift_threshold',
    parts: { 'selections and a baseline': ['ids', 'baseline'] },
    certainty: 'corrected p, over groups of new text'
  },
  anomaly: {
    when: 'a stretch of a trace is routed unlike the rest',
    threshold: 'drift_threshold',
    parts: OVER_TIME,
    certainty: IN_TIME
  },
  'change-point': {
    when: 'slot shares moved from one token of a trace on, by more than texts differ',
    threshold: 'drift_threshold',
    parts: OVER_TIME,
    certainty: IN_TIME
  },
  trend: {
    when: 'slot shares moved steadily from the start of a trace to its end, by more than texts differ',
    threshold: 'drift_threshold',
    parts: OVER_TIME,
    certainty: IN_TIME
  }
};

/** Why something was not looked at. */
export const MISSING: Readonly<Record<FindingNeed, string>> = {
  ids: 'there are no tokens',
  weights: "the router's weights were not recorded",
  logits: "the router's logits were not recorded",
  tokenIds: 'token ids are unknown',
  texts: 'the texts of tokens are unknown',
  domains: 'the texts have no domain (give prompts as { text, domain })',
  twoDomains: 'all texts are of one domain',
  expertWeights:
    "the experts' parameters were not read (diagnose the model for that)",
  expertOutputs:
    "the experts' outputs were not compared (diagnose the model with --outputs)",
  modelOutputs:
    "the model's output was not recorded (diagnose the model for that)",
  graph: "the model's graph was not read; diagnose the model for that",
  baseline: 'no baseline was given',
  series:
    'the trace has fewer than 20 texts, and is no single text of 20 windows of 512 tokens'
};
