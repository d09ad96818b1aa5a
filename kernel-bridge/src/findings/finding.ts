/** What `diagnose` says: findings with their evidence, and each layer's figures. */
import type { RouterIdentity, Stack } from '../protocol';

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

export type Place = Pick<RouterIdentity, 'layer' | 'stack' | 'module'>;

export function placeOf({ layer, stack, module }: Place): Place {
  return { layer, ...(stack ? { stack } : {}), ...(module ? { module } : {}) };
}

/** JSON has no NaN. */
export function numberOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
