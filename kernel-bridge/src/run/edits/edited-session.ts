/** onnxruntime session of one model with inputs for edits: built at the first edit, loaded at the first edited run, shared. */
import type { ActivationPlan } from '../activations/capture-activations';
import type { Session } from '../engine/engine';
import { LazySession } from '../engine/lazy-session';
import type { SharedSession } from '../engine/session-pool';
import type { Graph } from '../../onnx/graph/graph';
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

/** A graph with inputs for edits. */
export interface EditableGraph {
  /** In the original graph. */
  original: readonly Router[];
  /** In the edited graph, with experts and weights after the edits. */
  routers: readonly Router[];
  /** One per router. */
  slots: readonly RouterSlots[];
  /** One per block. */
  stream: readonly StreamSlot[];
  plan: CapturePlan;
  activations: ActivationPlan;
  /** See `CapturedEdits`. */
  uncaptured(topK: readonly number[]): Graph;
  load(): Promise<SharedSession>;
}

/** What analyses derive graphs from; edits with the same k's share it. */
export interface UncapturedGraph {
  graph: Graph;
  routers: readonly Router[];
  plan: CapturePlan;
  /** Values that mean "no edit". */
  neutral: RunEdits;
}

/** A validated edit, with the inputs of its runs. */
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
  private readonly _uncaptured = new Map<string, UncapturedGraph>();

  /** @param _prepare builds the edited graph; called once */
  constructor(private readonly _prepare: () => EditableGraph) {}

  /** The edits that each router supports. */
  get slots(): readonly RouterSlots[] {
    return this._prepared.slots;
  }

  /** Why routers of this model cannot be held to a routing; undefined if they can. */
  get unpinnable(): string | undefined {
    return unpinnable(this._prepared.original, this.slots);
  }

  /**
   * Validates edits without running anything.
   * @param pins by router: a routing that it is held to; it then has no edits
   * @returns a function that loads the session, which can be called for every run, and the graph for analyses
   * @throws MoEDebuggerError 'edit'
   */
  resolve(
    edits: Edits,
    pins: readonly (RoutingPin | undefined)[] = []
  ): {
    records: RunEdits;
    run: () => Promise<EditedRun>;
    uncaptured: () => UncapturedGraph;
  } {
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
      }),
      uncaptured: () => this._graphFor(routers, plan)
    };
  }

  private _graphFor(
    routers: readonly Router[],
    plan: CapturePlan
  ): UncapturedGraph {
    const { original, slots, stream, uncaptured } = this._prepared;
    const topK = routers.map(router => router.topK);
    const key = topK.join();
    const known = this._uncaptured.get(key) ?? {
      graph: uncaptured(topK),
      routers,
      plan,
      neutral: new RunEdits(
        original,
        slots,
        topK.map(k => ({ topK: k, records: [] })),
        new StreamEdits(
          stream,
          stream.map(() => [])
        ),
        []
      )
    };
    this._uncaptured.set(key, known);
    return known;
  }

  private get _prepared(): EditableGraph {
    return (this._graph ??= this._prepare());
  }

  /** Releases the session. Can be called repeatedly. */
  async release(): Promise<void> {
    await this._session?.release();
  }
}
