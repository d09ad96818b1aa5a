/** A session with a model: traces are gathered, and figures and findings are of all of them. */
import { counted } from '../base/protocol';
import { randomNumbers } from '../base/statistics/random';
import { resultForms, saveResult } from '../show/save-result';
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
import type { LoadedModel } from '../run/model/loaded-model';
import type { Edits } from '../run/edits/edits';
import type { TokenSampling } from '../run/capture/token-sampling';
import {
  GenerationCancelled,
  type Generation
} from '../run/generation/generation';
import type { GenerateOptions } from '../run/generation/options';
import {
  promptList,
  type Prompt,
  type TokenizedPrompt
} from '../run/model/prompt';
import { observerOf } from '../run/trace/observer';
import type { RoutingEvent } from '../run/trace/routing-event';
import type { RoutingTrace } from '../run/trace/routing-trace';
import { TraceCancelled, type TraceOptions } from '../run/trace/trace-prompts';
import {
  LiveExplorer,
  type LiveSource,
  type LiveWatcher
} from '../views/live-explorer';
import { questionKey, ResultCache } from './result-cache';
import { generationKey } from './generation-key';
import { SessionEvents } from './session-events';
import { SessionFigures } from './session-figures';
import { SessionMemory } from './session-memory';
import type {
  DiagnosticResult,
  ExpertMetrics,
  PerformanceMetrics,
  RoutingStats,
  SessionDocument,
  SessionSummary
} from './records';
import { performanceOf } from './session-performance';
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

const MB = 2 ** 20;

/** What a session runs instead of the model as it is. */
interface Edited {
  /** As for `model.with`. */
  edits?: Edits;
}

export interface SessionTraceOptions
  extends Omit<TraceOptions, 'sample'>, Edited {}

export interface SessionGenerateOptions
  extends Omit<GenerateOptions, 'sample'>, Edited {}

export interface ProfileOptions extends TraceOptions {
  /** Runs that are measured, after one that is not. Default 3. */
  runs?: number;
}

/** What runs prompts: a model, or one with edits. */
interface Runner {
  trace(
    prompts: Prompt | readonly Prompt[],
    options?: TraceOptions
  ): Promise<RoutingTrace>;
  generate(
    prompts: readonly Prompt[],
    options?: GenerateOptions
  ): Promise<Generation[]>;
}

/** What a session needs of a model. */
export interface TracedModel extends Runner {
  readonly name: string;
  /** @internal what analyses run */
  readonly loaded: LoadedModel;
  with(edits: Edits): Runner;
}

export class TracingSession implements LiveSource, Displayable {
  readonly id: string = randomUUID();
  readonly name: string;
  private readonly _model: TracedModel;
  private readonly _options: ResolvedSessionOptions;
  private readonly _started = Date.now();
  private readonly _seeds: () => number;
  private readonly _events: SessionEvents;
  private readonly _watchers = new Set<LiveWatcher>();
  private _endedAt: number | undefined;
  private readonly _figures: SessionFigures;
  private _tokensRun!: number;
  private _memory!: SessionMemory;
  private _cache!: ResultCache;
  private _performance!: PerformanceMetrics[];

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
    this._figures = new SessionFigures(
      this.id,
      model,
      this._options.thresholds
    );
    this._events = new SessionEvents(
      this.id,
      this._options.bufferSize,
      (events, seen) => this._memory.addEvents(events, seen)
    );
    this._seeds = randomNumbers(this._options.samplingSeed);
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
   * Runs prompts as `MoEModel.trace` does, and adds the trace to the session. The same prompts with the same edits and
   * options are not run again: the trace is the one of before, and counts once more.
   * @throws MoEDebuggerError as `MoEModel.trace`, and 'input' when the session has ended
   */
  async trace(
    prompts: Prompt | readonly Prompt[],
    { edits, ...options }: SessionTraceOptions = {}
  ): Promise<RoutingTrace> {
    this._checkGoing();
    const list = this._tokenized(prompts);
    const { logits } = options;
    const key = questionKey({ ask: 'trace', prompts: list, edits, logits });
    const start = performance.now();
    const known = this._cache.get<RoutingTrace>(key);
    if (known) {
      this._again(known, list[0].label, start);
      return known;
    }
    const sample = this._sampling();
    try {
      const trace = await this._runner(edits).trace(prompts, {
        ...options,
        sample
      });
      this._add(trace, start);
      if (trace.samples.length === list.length) {
        this._cache.set(key, trace, [trace]);
      }
      return trace;
    } catch (error) {
      if (error instanceof TraceCancelled) {
        this._add(error.partial, start);
      }
      throw error;
    }
  }

  /**
   * Generates as `MoEModel.generate` does, and adds each generation's trace to the session; events come with each step. Of
   * a cancelled generation the tokens so far are kept. A generation without chance (greedy, or with a seed) that was asked
   * for before is not run again, unless `onToken` or `onBegin` wants to watch it.
   * @throws MoEDebuggerError as `MoEModel.generate`, and 'input' when the session has ended
   */
  async generate(
    prompt: Prompt,
    options?: SessionGenerateOptions
  ): Promise<Generation>;
  async generate(
    prompts: readonly Prompt[],
    options?: SessionGenerateOptions
  ): Promise<Generation[]>;
  async generate(
    prompts: Prompt | readonly Prompt[],
    { edits, ...options }: SessionGenerateOptions = {}
  ): Promise<Generation | Generation[]> {
    this._checkGoing();
    const given = promptList(prompts);
    const list = this._tokenized(prompts);
    const key = generationKey(list, edits, options);
    const start = performance.now();
    const watched = options.onToken ?? options.onBegin;
    const answer = (generations: Generation[]): Generation | Generation[] =>
      given === prompts ? generations : generations[0];
    const known =
      key === undefined || watched
        ? undefined
        : this._cache.get<Generation[]>(key);
    if (known) {
      known.forEach(({ trace }, i) => this._again(trace, list[i].label, start));
      return answer([...known]);
    }
    const add = (generations: readonly Generation[]): void =>
      generations.forEach(({ trace }) => this._add(trace, start, true));
    try {
      const generations = await this._runner(edits).generate(given, {
        ...options,
        sample: this._sampling(),
        onBegin: running => {
          this._events.follow(running);
          this._watchers.forEach(watcher => watcher.began(running));
          options.onBegin?.(running);
        }
      });
      add(generations);
      const cancelled = generations.some(
        ({ finishReason }) => finishReason === 'cancelled'
      );
      if (
        key !== undefined &&
        !cancelled &&
        given.length === generations.length
      ) {
        this._cache.set(
          key,
          generations,
          generations.map(({ trace }) => trace)
        );
      }
      return answer(generations);
    } catch (error) {
      if (error instanceof GenerationCancelled) {
        add(error.partial);
      }
      throw error;
    }
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
    return displayedRecords(
      this._figures.routingStats(layer),
      routingStatsTable
    );
  }

  /** One record an expert, of all layers or of one. */
  expertMetrics(layer?: number): ExpertMetrics[] {
    return displayedRecords(
      this._figures.expertMetrics(layer),
      expertMetricsTable
    );
  }

  /** Token rates c_e / T of a layer's experts, by layer in graph order. */
  expertUtilization(): { layerIdx: number; tokenRate: number[] }[] {
    return displayedRecords(
      this._figures.expertUtilization(),
      utilizationTable
    );
  }

  /** What is wrong, by all captured tokens of the session and the experts' weights, which are read once. */
  issues(): DiagnosticResult[] {
    const issues = this._figures.issues();
    return issues.length === 0 && this._figures.samples === 0
      ? []
      : displayedRecords(issues, own =>
          findingsTable(own, counted(own.length, 'issue'))
        );
  }

  /** One record a run, in order. */
  performanceMetrics(): PerformanceMetrics[] {
    return displayedRecords([...this._performance], performanceTable);
  }

  get summary(): SessionSummary {
    const { tokens, samples } = this._figures;
    return {
      sessionId: this.id,
      name: this.name,
      model: this._model.name,
      started: this._started,
      ...(this._endedAt === undefined ? {} : { ended: this._endedAt }),
      tokens,
      tokensRun: this._tokensRun,
      samples,
      events: this._memory.events.length,
      eventsSeen: this._events.seen,
      memory: this._memory.report,
      cache: this._cache.report
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
      events: this.events
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
    return this._memory.traces;
  }

  /** The newest routing events, the oldest first; those of a generation that goes on included. */
  get events(): RoutingEvent[] {
    return this._memory.events;
  }

  /**
   * Calls back with new events: those of a generation after each step, those of a trace together. Returns a function that
   * stops it.
   */
  onEvents(listener: (events: readonly RoutingEvent[]) => void): () => void {
    return this._events.listen(listener);
  }

  /**
   * A widget that shows the newest trace, and each generation of the session while it is written.
   * @throws MoEDebuggerError 'environment' outside the kernel
   */
  explorer(): LiveExplorer {
    return new LiveExplorer(this);
  }

  /** Calls back with each trace that begins and each that is finished; returns a function that stops it. */
  watch(watcher: LiveWatcher): () => void {
    this._watchers.add(watcher);
    return () => this._watchers.delete(watcher);
  }

  /** Forgets all that was gathered, known results included; the session goes on. */
  clear(): void {
    const { bufferSize, memoryLimit, cacheLimit } = this._options;
    this._figures.clear();
    this._cache = new ResultCache(cacheLimit * MB);
    const cache = this._cache;
    this._memory = new SessionMemory(memoryLimit * MB, bufferSize, trace => {
      cache.forget(trace);
      observerOf(this._model.loaded).dropped(trace.id);
    });
    this._performance = [];
    this._events.seen = 0;
    this._tokensRun = 0;
  }

  toString(): string {
    const { tokens, samples, memory } = this.summary;
    const dropped =
      memory.droppedTraces === 0
        ? ''
        : `, ${counted(memory.droppedTraces, 'trace')} dropped over the memory limit`;
    return `session ${this.name}: ${counted(tokens, 'token')} of ${counted(samples, 'prompt')}${dropped}${this.ended ? ', ended' : ''}`;
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

  private _runner(edits: Edits | undefined): Runner {
    return edits === undefined ? this._model : this._model.with(edits);
  }

  private _tokenized(prompts: Prompt | readonly Prompt[]): TokenizedPrompt[] {
    return promptList(prompts).map((prompt, i) =>
      this._model.loaded.tokenize(prompt, i)
    );
  }

  /** Each run draws anew. */
  private _sampling(): TokenSampling | undefined {
    const { samplingRate: rate } = this._options;
    return rate < 1
      ? { rate, seed: Math.floor(this._seeds() * 2 ** 21) }
      : undefined;
  }

  /** Counts a trace that was not run again. */
  private _again(trace: RoutingTrace, label: string, start: number): void {
    this._add(trace, start, false, true);
    observerOf(this._model.loaded).traced(trace, label);
  }

  /** @param followed its events have come with its steps */
  private _add(
    trace: RoutingTrace,
    start: number,
    followed = false,
    cached = false
  ): void {
    const { coverage, samples } = trace;
    this._performance.push(
      performanceOf(trace, this.id, performance.now() - start, cached)
    );
    this._tokensRun += coverage.tokensRun ?? coverage.tokens;
    samples.forEach(sample => this._figures.add(sample));
    if (!followed) {
      this._events.ofTrace(trace);
    }
    this._memory.keep(trace);
    this._watchers.forEach(watcher => watcher.traced(trace));
  }
}

/** For `lazily`: a session brings the findings with it. */
export function tracingSession(
  model: TracedModel,
  options: SessionOptions
): TracingSession {
  return new TracingSession(model, options);
}
