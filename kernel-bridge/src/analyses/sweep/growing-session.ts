/** onnxruntime session of the growing-batch graph, created at a model's first sweep. */
import type { Session } from '../../run/engine/engine';
import { LazySession } from '../../run/engine/lazy-session';
import type { SharedSession } from '../../run/engine/session-pool';
import type { MoEDebuggerError } from '../../base/errors';
import type { GraphProto } from '../../onnx/file/schema';
import { editableGraph } from '../../run/edits/editable-graph';
import { ofModel } from '../../run/model/of-model';
import { growGraph, type GrowingGraph } from './growing-graph';

export class GrowingSession {
  private _built?: { graph: GrowingGraph | undefined };
  private _session?: LazySession;

  /** @param _build called once; undefined if the graph cannot grow */
  constructor(
    private readonly _build: () => GrowingGraph | undefined,
    private readonly _load: (graph: GraphProto) => Promise<SharedSession>
  ) {}

  /** @returns undefined if the graph cannot grow, or onnxruntime rejects it */
  async get(): Promise<{ graph: GrowingGraph; session: Session } | undefined> {
    const { graph } = (this._built ??= { graph: this._build() });
    if (!graph) {
      return undefined;
    }
    this._session ??= new LazySession(() => this._load(graph.graph));
    try {
      return { graph, session: await this._session.get() };
    } catch (error) {
      if ((error as MoEDebuggerError).code !== 'model-unsupported') {
        throw error;
      }
      this._built = { graph: undefined };
      return undefined;
    }
  }

  /** Can be called repeatedly. */
  async release(): Promise<void> {
    await this._session?.release();
  }
}

/** The growing-batch session of a loaded model. */
export const growingSessionOf = ofModel(
  model =>
    new GrowingSession(
      () =>
        model.branched
          ? undefined
          : growGraph(
              editableGraph(model).graph,
              model.graph,
              model.found,
              model.onnx.opset
            ),
      graph => model.load(graph)
    )
);
