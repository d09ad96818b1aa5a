/** What `diagnose` says: findings with their evidence, and what cannot be told. */
import type { Stack } from './routing';

export type FindingKind =
  | 'dead-expert'
  | 'cold-expert'
  | 'load-imbalance'
  | 'router-collapse'
  | 'low-confidence'
  | 'duplicate-experts'
  | 'specialist-expert'
  | 'non-finite'
  | 'capacity-overflow'
  | 'drift'
  | 'anomaly';

/** error: the layer does not work as it was made to. warning: it works badly. info: good to know. */
export type Severity = 'error' | 'warning' | 'info';

/** A token that a finding rests on. */
export interface TokenEvidence {
  sample: string;
  position: number;
  id: number;
  text?: string;
  /** How many tokens with this id it stands for. */
  count?: number;
}

/** What could be done; data for a program beside the words. */
export interface Suggestion {
  action:
    | 'bias-update'
    | 'capacity'
    | 'merge'
    | 'prune'
    | 'replicas'
    | 'inspect'
    | 'retrain';
  text: string;
  data?: unknown;
}

export interface Finding {
  kind: FindingKind;
  severity: Severity;
  layer: number;
  stack?: Stack;
  module?: string;
  /** The experts concerned; empty when it is the whole layer. */
  experts: number[];
  /** Name of the measure, with its convention: slotShare, tokenRate, ... */
  metric: string;
  /** The measure in words or symbols, with its source. */
  formula: string;
  value: number | null;
  threshold: number | null;
  /** One sentence for people. */
  message: string;
  evidence: Record<string, unknown> & { tokens?: TokenEvidence[] };
  suggestions: Suggestion[];
}

/** Something that may be so, and that there are too few tokens to say. */
export interface Undecided {
  kind: FindingKind;
  layer: number;
  stack?: Stack;
  module?: string;
  experts: number[];
  value: number | null;
  threshold: number;
  /** What it takes to tell. */
  reason: string;
}

/** What a diagnosis has for reading, beside the figures of layers. */
export interface FoundInRouting {
  model?: string;
  /** Tokens that were looked at; those of an encoder are not counted. */
  tokens: number;
  samples: number;
  /** Errors first. */
  findings: Finding[];
  /** What may be wrong, and cannot be told with these tokens. */
  undecided: Undecided[];
  /** Routers whose expert weights were looked at, of all. */
  coverage: { routers: number; routersWithWeights: number };
}
