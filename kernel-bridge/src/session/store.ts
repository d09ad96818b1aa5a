/** What a process has loaded and traced, for the sidebar to follow. One a process, whichever copy of the package asks. */
import { layerName, type ModelSummary, type TraceSummary } from '../protocol';
import type { Router } from '../routing/convention';
import type { RoutingTrace } from '../trace/routing-trace';

/** Traces are kept for the panel; the oldest go first. */
const MAX_TRACES = 100;

export interface StoredTrace {
  summary: TraceSummary;
  trace: RoutingTrace;
}

export class SessionStore {
  private readonly _models = new Map<string, ModelSummary>();
  private readonly _traces = new Map<string, StoredTrace>();
  private readonly _listeners = new Set<() => void>();

  /** In the order they were loaded. */
  get models(): ModelSummary[] {
    return [...this._models.values()];
  }

  /** Newest first. */
  get traces(): TraceSummary[] {
    return [...this._traces.values()].map(({ summary }) => summary).reverse();
  }

  trace(id: string): StoredTrace | undefined {
    return this._traces.get(id);
  }

  addModel({
    id,
    name,
    path,
    routers
  }: {
    id: string;
    name: string;
    path: string;
    routers: readonly Router[];
  }): void {
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
    const model = this._models.get(id);
    if (model && model.status !== 'disposed') {
      this._models.set(id, { ...model, status });
      this._changed();
    }
  }

  addTrace(trace: RoutingTrace, modelId: string, label: string): void {
    this._traces.set(trace.id, {
      trace,
      summary: {
        id: trace.id,
        modelId,
        model: trace.model,
        label: label.length > 80 ? `${label.slice(0, 79)}…` : label,
        samples: trace.samples.length,
        coverage: trace.coverage,
        created: trace.created.getTime()
      }
    });
    for (const id of this._traces.keys()) {
      if (this._traces.size <= MAX_TRACES) {
        break;
      }
      this._traces.delete(id);
    }
    this._changed();
  }

  /** Forgets all traces; models stay. */
  clear(): void {
    this._traces.clear();
    this._changed();
  }

  /** Calls back after each change; returns a function that stops it. */
  onChange(listener: () => void): () => void {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  private _changed(): void {
    for (const listener of this._listeners) {
      listener();
    }
  }
}

const SLOT = Symbol.for('moe-debugger.session-store.v1');

export function sessionStore(): SessionStore {
  const slots = globalThis as { [SLOT]?: SessionStore };
  return (slots[SLOT] ??= new SessionStore());
}
