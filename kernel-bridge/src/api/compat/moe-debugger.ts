/** Sessions with a model under the names of the projects that this one grew from; each is a `TracingSession`. */
import { MoEDebuggerError } from '../../base/errors';
import {
  MIMEBUNDLE,
  type Displayable,
  type JsonObject
} from '../../base/kernel-api';
import type { Generation } from '../../run/generation/generation';
import type { Prompt } from '../../run/model/prompt';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import type { MoEModel } from '../moe-model';
import type {
  DiagnosticResult,
  ExpertMetrics,
  PerformanceMetrics,
  RoutingStats,
  SessionDocument,
  SessionSummary
} from '../records';
import type { ResolvedSessionOptions } from '../session-options';
import type {
  ProfileOptions,
  SessionGenerateOptions,
  SessionTraceOptions,
  TracingSession
} from '../tracing-session';
import { sessionOptions, type DebuggerSettings } from './settings';

export class MoEDebugger implements Displayable {
  readonly model: MoEModel;
  private readonly _options: ResolvedSessionOptions;
  private _session: TracingSession | undefined;

  /** @throws MoEDebuggerError 'input' for a setting that does not exist or cannot be meant */
  constructor(model: MoEModel, settings: DebuggerSettings = {}) {
    this.model = model;
    this._options = sessionOptions(settings);
  }

  /** Begins a session; one that goes on is ended. @returns its id */
  startSession(name?: string): string {
    this.endSession();
    this._session = this.model.session({ ...this._options, name });
    return this._session.id;
  }

  /** Ends the session; what it gathered can still be read. @returns undefined when there is none */
  endSession(): SessionSummary | undefined {
    return this._session?.end();
  }

  /** As `TracingSession.trace`. Without a session that goes on, one is begun. */
  trace(
    prompts: Prompt | readonly Prompt[],
    options: SessionTraceOptions = {}
  ): Promise<RoutingTrace> {
    return this._open().trace(prompts, options);
  }

  /** As `TracingSession.generate`. Without a session that goes on, one is begun. */
  generate(
    prompt: Prompt,
    options?: SessionGenerateOptions
  ): Promise<Generation>;
  generate(
    prompts: readonly Prompt[],
    options?: SessionGenerateOptions
  ): Promise<Generation[]>;
  generate(
    prompts: Prompt | readonly Prompt[],
    options: SessionGenerateOptions = {}
  ): Promise<Generation | Generation[]> {
    return this._open().generate(prompts as Prompt, options);
  }

  /** As `TracingSession.profile`. Without a session that goes on, one is begun. */
  profile(
    prompts: Prompt | readonly Prompt[],
    options: ProfileOptions = {}
  ): Promise<PerformanceMetrics[]> {
    return this._open().profile(prompts, options);
  }

  /** One record a layer, or those of one layer. */
  getRoutingStats(layer?: number): RoutingStats[] {
    return this._session?.routingStats(layer) ?? [];
  }

  /** One record an expert, of all layers or of one. */
  getExpertMetrics(layer?: number): ExpertMetrics[] {
    return this._session?.expertMetrics(layer) ?? [];
  }

  /** One record a run, in order. */
  getPerformanceMetrics(): PerformanceMetrics[] {
    return this._session?.performanceMetrics() ?? [];
  }

  /** Token rates c_e / T of a layer's experts, by layer in graph order. */
  getExpertUtilization(): { layerIdx: number; tokenRate: number[] }[] {
    return this._session?.expertUtilization() ?? [];
  }

  /** What is wrong, by all tokens of the session and the experts' weights, which are read once. */
  detectIssues(): DiagnosticResult[] {
    return this._session?.issues() ?? [];
  }

  /** Everything of the session as one document of plain data. @throws MoEDebuggerError 'input' when there is none */
  exportSession(): SessionDocument {
    if (!this._session) {
      throw new MoEDebuggerError('input', 'there is no session to export', {
        hint: 'begin one with startSession, and trace something'
      });
    }
    return this._session.toJSON();
  }

  /** Traces that are kept, the oldest first. */
  get traces(): readonly RoutingTrace[] {
    return this._session?.traces ?? [];
  }

  /** Forgets all that was gathered; the session goes on. */
  clearData(): void {
    this._session?.clear();
  }

  /** Its session, as a cell shows that. */
  [MIMEBUNDLE](): JsonObject {
    return (
      this._session?.[MIMEBUNDLE]() ?? {
        'text/plain': `no session with ${this.model.name} yet: call startSession or trace`
      }
    );
  }

  private _open(): TracingSession {
    if (!this._session || this._session.ended) {
      this._session = this.model.session(this._options);
    }
    return this._session;
  }
}
