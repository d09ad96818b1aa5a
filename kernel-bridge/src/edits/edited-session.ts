/** One model's graph with inputs for edits: read at the first edit, loaded at the first edited run, shared by all. */
import type { Session } from '../engine/engine';
import type { SharedSession } from '../engine/session-pool';
import type { CapturePlan } from '../routing/capture';
import { withTopK } from '../routing/capture';
import type { Router } from '../routing/convention';
import type { RouterSlots } from './edit-graph';
import type { Edits } from './edits';
import { resolveEdits } from './resolve-edits';
import { resolveSteering } from './resolve-steering';
import { RunEdits } from './run-edits';
import { StreamEdits } from './stream-edits';
import type { StreamSlot } from './stream-input';

/** A graph that takes edits, ready to be loaded. */
export interface EditableGraph {
  /** As the model has them. */
  original: readonly Router[];
  /** As the edited graph has them, experts and weights after the edits. */
  routers: readonly Router[];
  /** One a router. */
  slots: readonly RouterSlots[];
  /** One a block. */
  stream: readonly StreamSlot[];
  plan: CapturePlan;
  load(): Promise<SharedSession>;
}

/** An edit that has been checked, and what it runs with. */
export interface EditedRun {
  session: Session;
  routers: readonly Router[];
  plan: CapturePlan;
  edits: RunEdits;
}

export class EditedSession {
  private _graph?: EditableGraph;
  private _loaded?: Promise<SharedSession>;

  /** @param _prepare makes the edited graph; called once */
  constructor(private readonly _prepare: () => EditableGraph) {}

  /**
   * Checks edits at once, and runs nothing.
   * @returns what loads the session, and can be called for every run
   * @throws MoEDebuggerError 'edit'
   */
  resolve(edits: Edits): { records: RunEdits; run: () => Promise<EditedRun> } {
    const graph = (this._graph ??= this._prepare());
    const { original, slots, stream } = graph;
    const { steer = [], ...choices } = edits;
    const resolved = resolveEdits(choices, original, slots);
    const steering = resolveSteering(steer, stream);
    const routers = graph.routers.map((router, i) => ({
      ...router,
      topK: resolved[i].topK
    }));
    const records = new RunEdits(
      original,
      slots,
      resolved,
      new StreamEdits(stream, steering.edits),
      [...resolved.flatMap(own => own.records), ...steering.records]
    );
    const plan = withTopK(graph.plan, routers);
    return {
      records,
      run: async () => {
        const { session } = await (this._loaded ??= this._load(graph));
        return { session, routers, plan, edits: records };
      }
    };
  }

  /** Gives the session back. Can be called twice. */
  async release(): Promise<void> {
    const loaded = this._loaded;
    this._loaded = undefined;
    const session = await loaded?.catch(() => undefined);
    await session?.release();
  }

  /** A session that could not be loaded may be loaded by the next run. */
  private async _load(graph: EditableGraph): Promise<SharedSession> {
    try {
      return await graph.load();
    } catch (error) {
      this._loaded = undefined;
      throw error;
    }
  }
}
