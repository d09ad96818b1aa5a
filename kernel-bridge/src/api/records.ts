/** What a debugging session hands out, in the words of the projects that this one grew from. */
import type { Finding } from '../analyses/findings/finding';
import type { PhaseTime } from '../base/protocol';
import type { RoutingEvent } from '../run/trace/routing-event';
import type { CacheReport } from './result-cache';
import type { SessionMemoryReport } from './session-memory';

export type { CacheReport, RoutingEvent, SessionMemoryReport };

/** One expert over all tokens of a session. */
export interface ExpertMetrics {
  sessionId: string;
  layerIdx: number;
  stack?: 'encoder' | 'decoder';
  module?: string;
  expertIdx: number;
  /** Tokens that selected it. */
  activationCount: number;
  /** activationCount / tokens; k in all of a layer. */
  tokenRate: number;
  /** One-sided 95 % upper bound of the true token rate. */
  tokenRateUpperBound: number;
  /** activationCount / all selections; 1 in all of a layer. */
  slotShare: number;
  /** Tokens whose first choice it was. */
  firstChoiceCount: number;
  /** Mean weight on the tokens that selected it; NaN without one. */
  averageWeight: number;
}

/** One run of prompts. */
export interface PerformanceMetrics {
  /** Milliseconds since the epoch. */
  timestamp: number;
  sessionId: string;
  /** Tokens that were run, captured or not. */
  tokens: number;
  /** Steps that run a prompt at once, and those that run one new token. */
  prefill: PhaseTime;
  decode: PhaseTime;
  /** Whether the result was known, and nothing was run. */
  cached: boolean;
  /** Milliseconds in onnxruntime, and from the call to the trace. */
  inferenceTime: number;
  totalTime: number;
  tokensPerSecond: number;
  /** Resident memory of the process afterwards, in MB. */
  memoryUsage: number;
}

/** A finding of a session. */
export interface DiagnosticResult extends Finding {
  /** Milliseconds since the epoch. */
  timestamp: number;
  sessionId: string;
  layerIdx: number;
}

/** A layer over all tokens of a session. */
export interface RoutingStats {
  layerIdx: number;
  stack?: 'encoder' | 'decoder';
  module?: string;
  experts: number;
  topK: number;
  tokens: number;
  /** Jain's index: 1 is balance. */
  loadBalance: number;
  loadEntropy: number;
  /** 1 - mean H / ln E; null where traces have no logits. */
  averageConfidence: number | null;
  firstChoiceRepetition: number;
  droppedSlotRate: number;
}

export interface SessionSummary {
  sessionId: string;
  name: string;
  model: string;
  started: number;
  /** Absent while the session goes on. */
  ended?: number;
  /** Tokens whose routing was captured. */
  tokens: number;
  /** Tokens that were run: more than were captured where the sampling rate is below 1. */
  tokensRun: number;
  samples: number;
  /** Events kept, and all of captured tokens. */
  events: number;
  eventsSeen: number;
  /** What is kept, and what was let go. */
  memory: SessionMemoryReport;
  /** Questions that were answered without a run. */
  cache: CacheReport;
}

export interface SessionDocument {
  schema: 'moe-debugger/session@1';
  session: SessionSummary;
  routingStats: RoutingStats[];
  expertMetrics: ExpertMetrics[];
  performance: PerformanceMetrics[];
  issues: DiagnosticResult[];
  events: RoutingEvent[];
}
