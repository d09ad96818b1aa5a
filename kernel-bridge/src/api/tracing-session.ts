/** A session with a model: traces are gathered, and figures and findings are of all of them. */
import { counted } from '../base/protocol';
import { resultForms, saveResult } from '../show/save-result';
import { surveyModel } from '../analyses/on-demand';
import { randomUUID } from 'node:crypto';
import { MoEDebuggerError } from '../base/errors';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../base/kernel-api';
import { findingsTable } from '../analyses/findings/diagnosis-tables';
import { displayedRecords } from '../show/displayed-data';
import { tableBundle } from '../show/result-table';
import {
  diagnose,
  TraceEvidence,
  type ExpertSurvey
} from '../analyses/findings';
import { numberOrNull } from '../analyses/findings/finding';
import { resolveThresholds } from '../analyses/findings/thresholds';
import { layerMetrics } from '../measures';
import type { LoadedModel } from '../run/model/loaded-model';
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
  expertMetricsTable,
  performanceTable,
  routingStatsTable,
  utilizationTable
} from './session-tables';
import {
  resolveSessionOptions,
  type ResolvedSessionOptions,
  type SessionOptions
} from './session-options';

export interface ProfileOptions extends TraceOptions {
  /** Runs that are measured, after one that is not. Default 3. */
  runs?: number;
}

/** What a session needs of a model. */
export interface TracedModel {
  readonly name: string;
  /** @internal what analyses run */
  readonly loaded: LoadedModel;
  trace(
    prompts: Prompt | readonly Prompt[],
    options?: TraceOptions
  ): Promise<RoutingTrace>;
}

export class TracingSession implements Displayable {
  readonly id: string = randomUUID();
  readonly name: string;
  private readonly _model: TracedModel;
  private readonly _options: ResolvedSessionOptions;
  private readonly _started = Date.now();
  private _endedAt: number | undefined;
  private _surveys: ExpertSurvey[] | undefined;
  private _evidence!: TraceEvidence;
  private _events!: EventBuffer;
  private _performance!: PerformanceMetrics[];
  private _traces!: RoutingTrace[];

  /**
   * @internal use `model.session()`
   * @throws MoEDebuggerError 'input' for an option that does not exist or cannot be meant
   */
  constructor(
    model: TracedModel,
    { name = model.name, ...options }: SessionOptions = {}
  ) {
    this.name = name;
    this._model = model;
    this._options = resolveSessionOptions(options);
    this.clear();
  }

  /** Whether `end` was called. */
  get ended(): boolean {
    return this._endedAt !== undefined;
  }

  /** Ends the session; what it gathered can still be read. Can be called twice. */
  end(): SessionSummary {
    this._endedAt ??= Date.now();
    return this.summary;
  }

  /**
   * Runs prompts as `MoEModel.trace` does, and adds the trace to the session.
   * @throws MoEDebuggerError as `MoEModel.trace`, and 'input' when the session has ended
   */
  async trace(
    prompts: Prompt | readonly Prompt[],
    options: TraceOptions = {}
  ): Promise<RoutingTrace> {
    this._checkGoing();
    const start = performance.now();
    const trace = await this._model.trace(prompts, options);
    this._performance.push(
      performanceOf(trace, this.id, performance.now() - start)
    );
    trace.samples.forEach(sample => this._evidence.add(sample));
    if (this._options.samplingRate > 0 && this._options.bufferSize > 0) {
      for (const event of trace.events()) {
        this._events.add({ ...event, sessionId: this.id });
      }
    }
    this._keep(trace);
    return trace;
  }

  /**
   * Runs prompts several times to measure their times; their routing is not added to the session.
   * @throws MoEDebuggerError as `trace`, and 'input' for runs that cannot be
   */
  async profile(
    prompts: Prompt | readonly Prompt[],
    { runs = 3, ...options }: ProfileOptions = {}
  ): Promise<PerformanceMetrics[]> {
    if (!Number.isSafeInteger(runs) || runs < 1) {
      throw new MoEDebuggerError('input', `${runs} runs cannot be measured`, {
        hint: 'give a whole number of 1 or more'
      });
    }
    this._checkGoing();
    await this._model.trace(prompts, options);
    const measured: PerformanceMetrics[] = [];
    for (let run = 0; run < runs; run++) {
      const start = performance.now();
      const trace = await this._model.trace(prompts, options);
      measured.push(performanceOf(trace, this.id, performance.now() - start));
    }
    this._performance.push(...measured);
    return displayedRecords(measured, performanceTable);
  }

  /** One record a layer, or those of one layer. */
  routingStats(layer?: number): RoutingStats[] {
    const stats = this._tallies(layer).map(tally => {
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
    return displayedRecords(stats, routingStatsTable);
  }

  /** One record an expert, of all layers or of one. */
  expertMetrics(layer?: number): ExpertMetrics[] {
    const experts = this._tallies(layer).flatMap(tally => {
      const metrics = layerMetrics(tally);
      return Array.from(tally.counts, (activationCount, expertIdx) => ({
        sessionId: this.id,
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
    return displayedRecords(experts, expertMetricsTable);
  }

  /** One record a run, in order. */
  performanceMetrics(): PerformanceMetrics[] {
    return displayedRecords([...this._performance], performanceTable);
  }

  /** Token rates c_e / T of a layer's experts, by layer in graph order. */
  expertUtilization(): { layerIdx: number; tokenRate: number[] }[] {
    const rates = this._tallies().map(tally => ({
      ...placeOf(tally.router),
      tokenRate: [...layerMetrics(tally).tokenRate]
    }));
    return displayedRecords(rates, utilizationTable);
  }

  /** What is wrong, by all tokens of the session and the experts' weights, which are read once. */
  issues(): DiagnosticResult[] {
    if (this._evidence.tally.samples === 0) {
      return [];
    }
    const timestamp = Date.now();
    const { findings } = diagnose(this._evidence, {
      model: this._model.name,
      experts: this._surveyed(),
      thresholds: this._options.thresholds
    });
    const issues = findings.map(finding => ({
      ...finding,
      timestamp,
      sessionId: this.id,
      layerIdx: finding.layer
    }));
    return displayedRecords(issues, own =>
      findingsTable(own, counted(own.length, 'issue'))
    );
  }

  get summary(): SessionSummary {
    const { tally } = this._evidence;
    return {
      sessionId: this.id,
      name: this.name,
      model: this._model.name,
      started: this._started,
      ...(this._endedAt === undefined ? {} : { ended: this._endedAt }),
      tokens: tally.tokens,
      samples: tally.samples,
      events: this._events.events.length,
      eventsSeen: this._events.seen
    };
  }

  /** Everything of the session as one document of plain data. */
  toJSON(): SessionDocument {
    return {
      schema: 'moe-debugger/session@1',
      session: this.summary,
      routingStats: this.routingStats(),
      expertMetrics: this.expertMetrics(),
      performance: this.performanceMetrics(),
      issues: this.issues(),
      events: this._events.events
    };
  }

  /**
   * Writes it to a file atomically: .json.
   * @throws MoEDebuggerError 'input' for another extension, 'environment' when the file cannot be written
   */
  save(file: string): Promise<void> {
    return saveResult(file, resultForms(this));
  }

  /** Traces that are kept, the oldest first. */
  get traces(): readonly RoutingTrace[] {
    return this._traces;
  }

  /** Forgets all that was gathered; the session goes on. */
  clear(): void {
    const { bufferSize, samplingRate } = this._options;
    this._evidence = new TraceEvidence();
    this._events = new EventBuffer(bufferSize, samplingRate);
    this._performance = [];
    this._traces = [];
  }

  toString(): string {
    const { tokens, samples } = this.summary;
    return `session ${this.name}: ${counted(tokens, 'token')} of ${counted(samples, 'prompt')}${this.ended ? ', ended' : ''}`;
  }

  /** What was gathered, as a table of the layers. */
  [MIMEBUNDLE](): JsonObject {
    return tableBundle(
      { ...routingStatsTable(this.routingStats()), title: this.toString() },
      this.toString()
    );
  }

  /** @throws MoEDebuggerError 'input' */
  private _checkGoing(): void {
    if (this.ended) {
      throw new MoEDebuggerError('input', 'the session has ended', {
        where: this.name,
        hint: 'begin another with model.session()'
      });
    }
  }

  private _keep(trace: RoutingTrace): void {
    this._traces.push(trace);
    const limit = this._options.memoryLimit * 2 ** 20;
    let bytes = this._traces.reduce((sum, kept) => sum + bytesOf(kept), 0);
    while (this._traces.length > 0 && bytes > limit) {
      bytes -= bytesOf(this._traces.shift()!);
    }
  }

  private _surveyed(): ExpertSurvey[] {
    if (!this._surveys) {
      const { duplicate_similarity_threshold } = resolveThresholds(
        this._options.thresholds
      );
      this._surveys = surveyModel(
        this._model.loaded.description.model.path,
        duplicate_similarity_threshold
      );
    }
    return this._surveys;
  }

  private _tallies(layer?: number) {
    return this._evidence.tally.routers.filter(
      ({ router }) => layer === undefined || router.layer === layer
    );
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

/** For `lazily`: a session brings the findings with it. */
export function tracingSession(
  model: TracedModel,
  options: SessionOptions
): TracingSession {
  return new TracingSession(model, options);
}
