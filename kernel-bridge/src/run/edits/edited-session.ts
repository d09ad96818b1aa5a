/** One model's graph with inputs for edits: read at the first edit, loaded at the first edited run, shared by all. */
import type { ActivationPlan } from '../activations/capture-activations';
import type { Session } from '../engine/engine';
import { LazySession } from '../engine/lazy-session';
import type { SharedSession } from '../engine/session-pool';
import type { CapturePlan } from '../../routing/capture';
import { withTopK } from '../../routing/capture';
import type { Router } from '../../routing/convention';
import type { RouterSlots } from './slots';
import type { Edits } from './edits';
import { resolveEdits } from './resolve-edits';
import { resolveSteering } from './resolve-steering';
import { unpinnable, type RoutingPin } from './routing-pin';
import { RunEdits } from './run-edits';
import { StreamEdits } from './stream-edits';
import type { StreamSlot } from './slots';

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
  activations: ActivationPlan;
  load(): Promise<SharedSession>;
}

/** An edit that has been checked, and what it runs with. */
export interface EditedRun {
  session: Session;
  routers: readonly Router[];
  plan: CapturePlan;
  activations: ActivationPlan;
  edits: RunEdits;
}

export class EditedSession {
  private _graph?: EditableGraph;
  private _session?: LazySession;

  /** @param _prepare makes the edited graph; called once */
  constructor(private readonly _prepare: () => EditableGraph) {}

  /** What each router takes. */
  get slots(): readonly RouterSlots[] {
    return this._prepared.slots;
  }

  /** Why routers of this model cannot be held to a routing; undefined where they can. */
  get unpinnable(): string | undefined {
    return unpinnable(this._prepared.original, this.slots);
  }

  /**
   * Checks edits at once, and runs nothing.
   * @param pins by router: a routing that it is held to; it has no edits then
   * @returns what loads the session, and can be called for every run
   * @throws MoEDebuggerError 'edit'
   */
  resolve(
    edits: Edits,
    pins: readonly (RoutingPin | undefined)[] = []
  ): { records: RunEdits; run: () => Promise<EditedRun> } {
    const graph = this._prepared;
    const session = (this._session ??= new LazySession(() => graph.load()));
    const { original, slots, stream } = graph;
    const { steer = [], ...choices } = edits;
    const resolved = resolveEdits(choices, original, slots).map((own, i) => ({
      ...own,
      topK: pins[i]?.topK ?? own.topK
    }));
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
      [...resolved.flatMap(own => own.records), ...steering.records],
      pins
    );
    const plan = withTopK(graph.plan, routers);
    return {
      records,
      run: async () => ({
        session: await session.get(),
        routers,
        plan,
        activations: graph.activations,
        edits: records
      })
    };
  }

  private get _prepared(): EditableGraph {
    return (this._graph ??= this._prepare());
  }

  /** Gives the session back. Can be called twice. */
  async release(): Promise<void> {
    await this._session?.release();
  }
}
