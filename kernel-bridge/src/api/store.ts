/** What a process has loaded and traced, for the sidebar to follow. One a process, whichever copy of the package asks. */
import {
  layerName,
  type ModelSummary,
  type ProfileDocument,
  type ToolName,
  type TraceSummary
} from '../base/protocol';
import type { Router } from '../routing/convention';
import type { ModelTool } from '../views/tools/model-tool';
import type { RoutingTrace } from '../run/trace/routing-trace';
import type { Prompt } from '../run/model/prompt';
import type { ModelStructure } from '../run/model/structure';
import type { RunningTrace } from '../run/trace/running-trace';
import { bytesOf } from '../run/trace/trace-bytes';

/** Traces are kept for the panel; the oldest go first. */
const MAX_TRACES = 100;
/** Bytes that they may take. */
const MAX_BYTES = 2 ** 31;

export interface StoredTrace {
  summary: TraceSummary;
  trace: RoutingTrace;
}

/** @param trace the model's newest one, to begin with something */
export type ToolOpener = (name: ToolName, trace?: RoutingTrace) => ModelTool;

/** What a model can be asked for until it is disposed of. */
export interface AskableModel {
  structure?: ModelStructure;
  openTool?: ToolOpener;
  profile?: (
    prompt: Prompt,
    options: { signal?: AbortSignal }
  ) => Promise<{ toJSON(): ProfileDocument }>;
}

export class SessionStore {
  private readonly _models = new Map<string, ModelSummary>();
  /** By model, of those that were not disposed of. */
  private readonly _askable = new Map<string, AskableModel>();
  private readonly _traces = new Map<string, StoredTrace>();
  private readonly _running = new Map<
    string,
    { running: RunningTrace; modelId: string }
  >();
  private _bytes = 0;
  private readonly _listeners = new Set<() => void>();

  /** In the order they were loaded. */
  get models(): ModelSummary[] {
    return [...this._models.values()];
  }

  /** Newest first; those in the making before the finished ones. */
  get traces(): TraceSummary[] {
    return [
      ...[...this._traces.values()].map(({ summary }) => summary),
      ...[...this._running.values()].map(({ running, modelId }) =>
        summaryOf(running, modelId)
      )
    ].reverse();
  }

  /** A trace in the making. */
  running(id: string): RunningTrace | undefined {
    return this._running.get(id)?.running;
  }

  trace(id: string): StoredTrace | undefined {
    return this._traces.get(id);
  }

  /** The newest trace of a model as it is, without edits. */
  newestTrace(modelId: string): RoutingTrace | undefined {
    return [...this._traces.values()]
      .reverse()
      .find(
        ({ summary, trace }) =>
          summary.modelId === modelId && trace.edits.length === 0
      )?.trace;
  }

  /** A tool of a model; undefined when the model is not there or was disposed of. */
  openTool(name: ToolName, modelId: string): ModelTool | undefined {
    return this._askable
      .get(modelId)
      ?.openTool?.(name, this.newestTrace(modelId));
  }

  /** Undefined when the model is not there or was disposed of. */
  askable(modelId: string): AskableModel | undefined {
    return this._askable.get(modelId);
  }

  addModel({
    id,
    name,
    path,
    routers,
    ...askable
  }: {
    id: string;
    name: string;
    path: string;
    routers: readonly Router[];
  } & AskableModel): void {
    this._askable.set(id, askable);
    this._models.set(id, {
      id,
      name,
      path,
      layers: routers.map(layerName),
      experts: Math.max(...routers.map(({ experts }) => experts)),
      topK: Math.max(...routers.map(({ topK }) => topK)),
      status: 'ready'
    });
    this._changed();
  }

  setStatus(id: string, status: ModelSummary['status']): void {
    if (status === 'disposed') {
      this._askable.delete(id);
    }
    const model = this._models.get(id);
    if (model && model.status !== 'disposed') {
      this._models.set(id, { ...model, status });
      this._changed();
    }
  }

  /** Does work that a model is busy with. */
  async whileRunning<T>(
    id: string,
    work: (store: SessionStore) => Promise<T>
  ): Promise<T> {
    this.setStatus(id, 'running');
    try {
      return await work(this);
    } finally {
      this.setStatus(id, 'ready');
    }
  }

  /** A trace that `addTrace` replaces when it is finished, or `drop` removes. */
  beginTrace(running: RunningTrace, modelId: string): void {
    this._running.set(running.id, { running, modelId });
    this._changed();
  }

  /** Adds a trace as the newest; one that is there already becomes the newest again. */
  addTrace(trace: RoutingTrace, modelId: string, label: string): void {
    this._running.delete(trace.id);
    this._forget(trace.id);
    this._bytes += bytesOf(trace);
    this._traces.set(trace.id, {
      trace,
      summary: {
        id: trace.id,
        modelId,
        model: trace.model,
        label: shortened(label),
        samples: trace.samples.length,
        coverage: trace.coverage,
        created: trace.created.getTime(),
        ...(trace.edits.length > 0 ? { edits: trace.edits.length } : {})
      }
    });
    for (const id of this._traces.keys()) {
      if (
        this._traces.size <= MAX_TRACES &&
        (this._bytes <= MAX_BYTES || this._traces.size === 1)
      ) {
        break;
      }
      this._forget(id);
    }
    this._changed();
  }

  /** Forgets one trace, finished or not. */
  drop(id: string): void {
    const had = this._running.delete(id);
    if (this._forget(id) || had) {
      this._changed();
    }
  }

  /** Forgets all finished traces; models stay. */
  clear(): void {
    this._traces.clear();
    this._bytes = 0;
    this._changed();
  }

  /** Calls back after each change; returns a function that stops it. */
  onChange(listener: () => void): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  private _forget(id: string): boolean {
    const stored = this._traces.get(id);
    if (stored) {
      this._bytes -= bytesOf(stored.trace);
    }
    return this._traces.delete(id);
  }

  private _changed(): void {
    for (const listener of this._listeners) {
      listener();
    }
  }
}

function summaryOf(running: RunningTrace, modelId: string): TraceSummary {
  const { id, model, label, coverage, created, edits } = running;
  return {
    id,
    modelId,
    model,
    label: shortened(label),
    samples: 1,
    coverage,
    created: created.getTime(),
    ...(edits > 0 ? { edits } : {}),
    running: true
  };
}

function shortened(label: string): string {
  return label.length > 80 ? `${label.slice(0, 79)}…` : label;
}

const SLOT = Symbol.for('moe-debugger.session-store.v1');

export function sessionStore(): SessionStore {
  const slots = globalThis as { [SLOT]?: SessionStore };
  return (slots[SLOT] ??= new SessionStore());
}
