/** Findings of `diagnose`, with evidence, and inconclusive checks. */
import type { Stack } from './routing';

export type FindingKind =
  | 'dead-expert'
  | 'cold-expert'
  | 'load-imbalance'
  | 'router-collapse'
  | 'low-confidence'
  | 'duplicate-experts'
  | 'specialist-expert'
  | 'partial-specialist'
  | 'non-finite'
  | 'lost-experts'
  | 'capacity-overflow'
  | 'empty-slots'
  | 'drift'
  | 'anomaly'
  | 'change-point'
  | 'trend';

/** error: the layer is broken. warning: it works badly. info: good to know. */
export type Severity = 'error' | 'warning' | 'info';

/** A token that is evidence for a finding. */
export interface TokenEvidence {
  sample: string;
  position: number;
  id: number;
  text?: string;
  /** Number of tokens with this id that it stands for. */
  count?: number;
}

/** A suggested fix, as text and as data for programs. */
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
  /** The experts concerned; empty if it is the whole layer. */
  experts: number[];
  /** Name of the measure, with its convention: slotShare, tokenRate, ... */
  metric: string;
  /** Formula of the measure, with its source. */
  formula: string;
  value: number | null;
  threshold: number | null;
  /** One sentence for display. */
  message: string;
  evidence: Record<string, unknown> & { tokens?: TokenEvidence[] };
  suggestions: Suggestion[];
}

/** A possible finding that too few tokens support. */
export interface Undecided {
  kind: FindingKind;
  layer: number;
  stack?: Stack;
  module?: string;
  experts: number[];
  value: number | null;
  threshold: number;
  /** What is needed for a conclusion. */
  reason: string;
}

/** What was looked for, and what was not. */
export interface Check {
  kind: FindingKind;
  /** Whether any part of it was looked at. */
  looked: boolean;
  /** What was not looked at, and why; absent if all of it was. */
  why?: string;
  /** Findings of this kind. */
  count: number;
  /** Possible findings that these tokens do not decide. */
  undecided: number;
  threshold: number | null;
  /** How sure a finding is, or that there is none, and how much text that takes. */
  certainty: string;
}

/** Whether a trace file has a hash of its content, which was compared while it was read. */
export type Integrity = 'hashed' | 'unverified';

/** What a reader of a trace file should know of its integrity; nothing where it has a hash. */
export function integrityNote(
  integrity: Integrity | undefined
): string | undefined {
  return integrity === 'unverified'
    ? 'unverified: the trace file, or one that it was made of, has no hash of its content, so a damaged number may go unnoticed'
    : undefined;
}

/** The human-readable part of a diagnosis, without the layers' metrics. */
export interface FoundInRouting {
  model?: string;
  /** Of the trace file; absent for a trace that is not from a file. */
  integrity?: Integrity;
  /** Number of tokens; encoder tokens are not counted. */
  tokens: number;
  samples: number;
  /** Errors first. */
  findings: Finding[];
  /** Possible findings that are inconclusive with these tokens. */
  undecided: Undecided[];
  /** One a kind of finding. Documents of older versions have none. */
  checks: Check[];
  /** Number of routers, and of those whose expert weights were read. */
  coverage: { routers: number; routersWithWeights: number };
}
