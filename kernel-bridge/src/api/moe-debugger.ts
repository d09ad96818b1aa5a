/** A debugging session with a model: traces are gathered, and figures and findings are of all of them. */
import { surveyModel } from '../analyses/findings/survey-model';
import { randomUUID } from 'node:crypto';
import { MoEDebuggerError } from '../base/errors';
import {
  diagnose,
  TraceEvidence,
  type ExpertSurvey
} from '../analyses/findings';
import { numberOrNull } from '../analyses/findings/finding';
import { resolveThresholds } from '../analyses/findings/thresholds';
import { layerMetrics } from '../measures';
import type { MoEModel } from './moe-model';
import type { TraceOptions } from '../run/trace/trace-prompts';
import type { Prompt } from '../run/model/prompt';
import type { RoutingTrace } from '../run/trace/routing-trace';
import { EventBuffer } from './event-buffer';
import type {
  DiagnosticResult,
  ExpertMetrics,
  PerformanceMetrics,
  RoutingStats,
  SessionDocument,
  SessionSummary
} from './records';
import {
  resolveSettings,
  type DebuggerSettings,
  type ResolvedSettings
} from './settings';

interface Session {
  id: string;
  name: string;
  started: number;
  ended?: number;
  evidence: TraceEvidence;
  events: EventBuffer;
  performance: PerformanceMetrics[];
  traces: RoutingTrace[];
}

export interface ProfileOptions extends TraceOptions {
  /** Runs that are measured, after one that is not; 3 unless said otherwise. */
  runs?: number;
}

export class MoEDebugger {
  readonly model: MoEModel;
  private readonly _settings: ResolvedSettings;
  private _session: Session | undefined;
  private _surveys: ExpertSurvey[] | undefined;

  /** @throws MoEDebuggerError 'usage' for a setting that does not exist or cannot be meant */
  constructor(model: MoEModel, settings: DebuggerSettings = {}) {
    this.model = model;
    this._settings = resolveSettings(settings);
    resolveThresholds(this._settings.thresholds);
  }

  /** Begins a session; one that goes on is ended. @returns its id */
  startSession(name = this.model.name): string {
    this.endSession();
    this._session = this._newSession(name);
    return this._session.id;
  }

  /** Ends the session; what it gathered can still be read. @returns undefined when there is none */
  endSession(): SessionSummary | undefined {
    if (this._session) {
      this._session.ended ??= Date.now();
      return this._summary(this._session);
    }
    return undefined;
  }

  /**
   * Runs prompts as `MoEModel.trace` does, and adds what came out to the session. Without a session one is begun.
   * @throws MoEDebuggerError as `MoEModel.trace`
   */
  async trace(
    prompts: Prompt | readonly Prompt[],
    options: TraceOptions = {}
  ): Promise<RoutingTrace> {
    const session = this._open();
    const start = performance.now();
    const trace = await this.model.trace(prompts, options);
    session.performance.push(
      performanceOf(trace, session.id, performance.now() - start)
    );
    trace.samples.forEach(sample => session.evidence.add(sample));
    if (this._settings.samplingRate > 0 && this._settings.bufferSize > 0) {
      for (const event of trace.events()) {
        session.events.add({ ...event, sessionId: session.id });
      }
    }
    this._keep(session, trace);
    return trace;
  }

  /**
   * Runs prompts several times for the sake of their times; their routing is not added to the session again.
   * @throws MoEDebuggerError as `MoEModel.trace`
   */
  async profile(
    prompts: Prompt | readonly Prompt[],
    { runs = 3, ...options }: ProfileOptions = {}
  ): Promise<PerformanceMetrics[]> {
    if (!Number.isSafeInteger(runs) || runs < 1) {
      throw new MoEDebuggerError('usage', `${runs} runs cannot be measured`, {
        hint: 'give a whole number of 1 or more'
      });
    }
    const session = this._open();
    await this.model.trace(prompts, options);
    const measured: PerformanceMetrics[] = [];
    for (let run = 0; run < runs; run++) {
      const start = performance.now();
      const trace = await this.model.trace(prompts, options);
      measured.push(
        performanceOf(trace, session.id, performance.now() - start)
      );
    }
    session.performance.push(...measured);
    return measured;
  }

  /** One record a layer, or those of one layer. */
  getRoutingStats(layer?: number): RoutingStats[] {
    return this._tallies(layer).map(tally => {
      const metrics = layerMetrics(tally);
      return {
        ...placeOf(tally.router),
        experts: metrics.experts,
        topK: metrics.topK,
        tokens: metrics.tokens,
        loadBalance: metrics.jain,
        loadEntropy: metrics.loadEntropy,
        averageConfidence: numberOrNull(metrics.meanConfidence),
        firstChoiceRepetition: metrics.firstChoiceRepetition,
        droppedSlotRate: metrics.droppedSlotRate
      };
    });
  }

  /** One record an expert, of all layers or of one. */
  getExpertMetrics(layer?: number): ExpertMetrics[] {
    const sessionId = this._session?.id ?? '';
    return this._tallies(layer).flatMap(tally => {
      const metrics = layerMetrics(tally);
      return Array.from(tally.counts, (activationCount, expertIdx) => ({
        sessionId,
        ...placeOf(tally.router),
        expertIdx,
        activationCount,
        tokenRate: metrics.tokenRate[expertIdx],
        tokenRateUpperBound: metrics.tokenRateUpperBound[expertIdx],
        slotShare: metrics.slotShare[expertIdx],
        firstChoiceCount: tally.firstChoice[expertIdx],
        averageWeight: metrics.meanWeight[expertIdx]
      }));
    });
  }

  /** One record a run, in order. */
  getPerformanceMetrics(): PerformanceMetrics[] {
    return [...(this._session?.performance ?? [])];
  }

  /** Token rates c_e / T of a layer's experts, by layer in graph order. */
  getExpertUtilization(): { layerIdx: number; tokenRate: number[] }[] {
    return this._tallies().map(tally => ({
      ...placeOf(tally.router),
      tokenRate: [...layerMetrics(tally).tokenRate]
    }));
  }

  /** What is wrong, by all tokens of the session and the experts' weights, which are read once. */
  detectIssues(): DiagnosticResult[] {
    const session = this._session;
    if (!session || session.evidence.tally.samples === 0) {
      return [];
    }
    const timestamp = Date.now();
    const { findings } = diagnose(session.evidence, {
      model: this.model.name,
      experts: this._surveyed(),
      thresholds: this._settings.thresholds
    });
    return findings.map(finding => ({
      ...finding,
      timestamp,
      sessionId: session.id,
      layerIdx: finding.layer
    }));
  }

  /** Everything of the session as one document of plain data. @throws MoEDebuggerError 'usage' when there is none */
  exportSession(): SessionDocument {
    const session = this._session;
    if (!session) {
      throw new MoEDebuggerError('usage', 'there is no session to export', {
        hint: 'begin one with startSession, and trace something'
      });
    }
    return {
      schema: 'moe-debugger/session@1',
      session: this._summary(session),
      routingStats: this.getRoutingStats(),
      expertMetrics: this.getExpertMetrics(),
      performance: this.getPerformanceMetrics(),
      issues: this.detectIssues(),
      events: session.events.events
    };
  }

  /** Traces that are kept, the oldest first. */
  get traces(): readonly RoutingTrace[] {
    return this._session?.traces ?? [];
  }

  /** Forgets all that was gathered; the session goes on. */
  clearData(): void {
    if (this._session) {
      const { id, name, started, ended } = this._session;
      this._session = { ...this._newSession(name), id, started, ended };
    }
  }

  private _open(): Session {
    if (!this._session || this._session.ended !== undefined) {
      this._session = this._newSession(this.model.name);
    }
    return this._session;
  }

  private _newSession(name: string): Session {
    const { bufferSize, samplingRate } = this._settings;
    return {
      id: randomUUID(),
      name,
      started: Date.now(),
      evidence: new TraceEvidence(),
      events: new EventBuffer(bufferSize, samplingRate),
      performance: [],
      traces: []
    };
  }

  private _keep(session: Session, trace: RoutingTrace): void {
    session.traces.push(trace);
    const limit = this._settings.memoryLimit * 2 ** 20;
    let bytes = session.traces.reduce((sum, kept) => sum + bytesOf(kept), 0);
    while (session.traces.length > 0 && bytes > limit) {
      bytes -= bytesOf(session.traces.shift()!);
    }
  }

  private _surveyed(): ExpertSurvey[] {
    if (!this._surveys) {
      const { duplicate_similarity_threshold } = resolveThresholds(
        this._settings.thresholds
      );
      this._surveys = surveyModel(
        this.model.description.model.path,
        duplicate_similarity_threshold
      );
    }
    return this._surveys;
  }

  private _tallies(layer?: number) {
    return (this._session?.evidence.tally.routers ?? []).filter(
      ({ router }) => layer === undefined || router.layer === layer
    );
  }

  private _summary(session: Session): SessionSummary {
    const { tally } = session.evidence;
    return {
      sessionId: session.id,
      name: session.name,
      model: this.model.name,
      started: session.started,
      ...(session.ended === undefined ? {} : { ended: session.ended }),
      tokens: tally.tokens,
      samples: tally.samples,
      events: session.events.events.length,
      eventsSeen: session.events.seen
    };
  }
}

function placeOf({
  layer,
  stack,
  module
}: {
  layer: number;
  stack?: 'encoder' | 'decoder';
  module?: string;
}) {
  return {
    layerIdx: layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {})
  };
}

function performanceOf(
  trace: RoutingTrace,
  sessionId: string,
  totalTime: number
): PerformanceMetrics {
  const { tokens } = trace.coverage;
  return {
    timestamp: Date.now(),
    sessionId,
    tokens,
    inferenceTime: trace.timing.inference,
    totalTime,
    tokensPerSecond: (1000 * tokens) / totalTime,
    memoryUsage: process.memoryUsage().rss / 2 ** 20
  };
}

function bytesOf({ samples }: RoutingTrace): number {
  return samples.reduce(
    (sum, { layers }) =>
      sum +
      layers.reduce(
        (bytes, { logits, selected, weights }) =>
          bytes + logits.byteLength + selected.byteLength + weights.byteLength,
        0
      ),
    0
  );
}
