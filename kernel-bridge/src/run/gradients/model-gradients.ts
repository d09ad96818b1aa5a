/** Gradients of a loaded model: prepares its graph once, and opens one onnxruntime session a target. */
import { Engine, type Session } from '../engine/engine';
import type { SessionOptions, TensorValue } from '../engine/messages';
import type { SharedSession } from '../engine/session-pool';
import { MoEDebuggerError } from '../../base/errors';
import { decomposeFused, type ExpertChoice } from '../../onnx/graph/decompose';
import { Graph, type GraphNode } from '../../onnx/graph/graph';
import { inlineBranch } from '../../onnx/graph/inline-branch';
import { elementTypes } from '../../onnx/graph/element-types';
import { NodeWriter } from '../../onnx/graph/node-writer';
import { pruneGraph } from '../../onnx/graph/prune';
import { wholeSequence, type ModelInputs } from '../model/inputs';
import { modelSession } from '../model/model-session';
import type { OnnxModel } from '../../onnx/file/model';
import {
  ELEMENT,
  encodeModelProto,
  type GraphProto
} from '../../onnx/file/schema';
import { differentiate, type GradientGraph } from './differentiate';
import {
  findEmbeddings,
  floatInput,
  interpolateEmbeddings,
  type InterpolatedGraph
} from './embeddings';
import { GradientSession } from './gradient-session';
import { findNaN } from './find-nan';
import { gradientOpset, withOpset } from './opset';
import { probeTensors, type RunGraph } from './probe';
import { probeRuns } from './probe-runs';
import { GRADIENT_PREFIX } from './tape';
import { writeTarget, type TargetKind } from './targets';
import type { TensorFacts } from './tensor-facts';
import { STEP_WEIGHTS } from './step-weights';
import { takenFeeds } from './taken-feeds';

export interface GradientSource {
  onnx: OnnxModel;
  /** The graph that holds the routers. */
  graph: Graph;
  /** The If of which `graph` is a branch, when whole sequences are known to run through that branch. */
  merged?: GraphNode;
  inputs: ModelInputs;
  settings: SessionOptions;
}

/** What to differentiate, with respect to the embeddings and other tensors. */
export interface GradientRequest {
  kind: TargetKind;
  /** The tensor that the target is read from. */
  tensor: string;
  /** Tensors to differentiate with respect to, besides the embeddings. Default none. */
  by?: readonly string[];
  /** Other tensors that a run can fetch. Default none. */
  tensors?: readonly string[];
  /** Compute the value without gradients. Default false. */
  forwardOnly?: boolean;
  /** A graph derived from the prepared one. Default the prepared graph. */
  on?: DerivedGraph;
}

/** A graph derived from the prepared graph. */
export interface DerivedGraph {
  /** Cache key, unique among the derived graphs of a model. */
  key: string;
  graph: GraphProto;
  /** Facts of all tensors, including added ones. */
  facts: TensorFacts;
}

/** A graph in plain operators that can be differentiated for any target. */
export interface PreparedGraph {
  interpolated: InterpolatedGraph;
  facts: TensorFacts;
  /** The input of token ids that a target's positions refer to. */
  ids: string;
  /** Tensors of the expert choices of decomposed MoE nodes, by the node's output. */
  choices: ReadonlyMap<string, ExpertChoice>;
  /** Sizes of the probe runs. */
  probes: readonly { batch: number; tokens: number }[];
}

interface OpenSession {
  session: GradientSession;
  release(): Promise<void>;
}

/** What analyses take gradients from. */
export type Gradients = Pick<
  ModelGradients,
  'session' | 'derived' | 'prepare' | 'embeddings'
>;

/** Gradients of one graph, whatever feeds it. */
export class ModelGradients {
  private _prepared?: Promise<PreparedGraph>;
  private _table?: Promise<SharedSession>;
  private readonly _sessions = new Map<string, Promise<OpenSession>>();
  private readonly _derived = new Map<string, Promise<SharedSession>>();

  constructor(private readonly _source: GradientSource) {}

  /**
   * The session that computes a target and its gradients; sessions are cached.
   *
   * @throws MoEDebuggerError 'gradient' naming a tensor that does not exist, or a node on the path that cannot be
   * differentiated; 'model-unsupported' for an opset that is too old
   */
  async session(request: GradientRequest): Promise<GradientSession> {
    const key = JSON.stringify({ ...request, on: request.on?.key });
    const known = this._sessions.get(key);
    if (known) {
      return (await known).session;
    }
    const loading = this._open(request);
    this._sessions.set(key, loading);
    try {
      return (await loading).session;
    } catch (error) {
      this._sessions.delete(key);
      throw error;
    }
  }

  /**
   * The session of a graph derived from the prepared one, cached until `release`.
   * @param key cache key, unique among the derived graphs of this model
   */
  async derived(
    key: string,
    make: (prepared: PreparedGraph) => GraphProto
  ): Promise<Session> {
    let loading = this._derived.get(key);
    if (!loading) {
      loading = this.prepare().then(prepared => this._load(make(prepared)));
      this._derived.set(key, loading);
      loading.catch(() => this._derived.delete(key));
    }
    return (await loading).session;
  }

  /** The graph in plain operators, with facts about its tensors; prepared once. */
  prepare(): Promise<PreparedGraph> {
    return (this._prepared ??= this._prepare().catch((error: unknown) => {
      this._prepared = undefined;
      throw error;
    }));
  }

  private async _open({
    kind,
    tensor,
    by = [],
    tensors = [],
    forwardOnly = false,
    on
  }: GradientRequest): Promise<OpenSession> {
    const prepared = await this.prepare();
    const { interpolated, ids, probes } = prepared;
    const facts = (on ?? prepared).facts.copy();
    const { embeddings, original } = interpolated;
    const { file } = this._source.onnx;
    const base = on?.graph ?? interpolated.graph;
    const known = new Graph(base, file);
    for (const name of [tensor, ...tensors]) {
      if (!known.producer(name)) {
        throw new MoEDebuggerError(
          'gradient',
          `the graph computes no tensor ${name}`,
          { where: file, hint: 'name a tensor of the graph' }
        );
      }
    }
    const target = writeTarget(base, facts, kind, tensor, ids);
    const derived: GradientGraph = forwardOnly
      ? {
          graph: target.graph,
          gradients: new Map(),
          origins: new Map(),
          nodes: { forward: target.graph.node.length, backward: 0 }
        }
      : differentiate(new Graph(target.graph, file), facts, {
          seeds: target.seeds,
          by: [embeddings, ...by],
          opset: gradientOpset(this._source.onnx)
        });
    const { graph: whole, sum } = sumOverSteps(
      derived.graph,
      derived.gradients.get(embeddings)
    );
    const graph = pruneGraph(new Graph(whole, file), [
      ...new Set([
        target.value,
        original,
        ...derived.gradients.values(),
        ...(sum ? [sum] : []),
        ...tensors
      ])
    ]);
    const shared = await this._load(graph);
    const session = new GradientSession({
      session: shared.session,
      inputs: this._source.inputs,
      graph,
      value: target.value,
      original,
      gradients: new Map(
        [...derived.gradients].map(([name, gradient]) => [
          name === embeddings ? 'embeddings' : name,
          gradient
        ])
      ),
      sum,
      scale: interpolated.scale,
      baseline: interpolated.baseline,
      nodes: derived.nodes,
      facts,
      probes,
      firstNaN: feeds =>
        findNaN(graph, file, derived.origins, probed =>
          this._run()(probed.graph, [feeds], [probed.output])
        )
    });
    return { session, release: shared.release };
  }

  /**
   * The model's embeddings of token ids, [1, ids, width].
   * @param ids any number of them, since only the embedding lookup runs
   */
  async embeddings(ids: readonly number[]): Promise<TensorValue> {
    const { interpolated } = await this.prepare();
    const { onnx, inputs } = this._source;
    const graph = pruneGraph(new Graph(interpolated.graph, onnx.file), [
      interpolated.original
    ]);
    const shared = (this._table ??= this._load(graph));
    const { session } = await shared;
    const { outputs } = await session.run(
      takenFeeds(graph, inputs.feeds(wholeSequence({ ids }))),
      [interpolated.original]
    );
    return outputs[interpolated.original];
  }

  /** The gradients of runs with other inputs, by the same sessions. */
  fedBy(inputs: ModelInputs): Gradients {
    return inputs === this._source.inputs
      ? this
      : {
          session: async request => (await this.session(request)).fedBy(inputs),
          derived: (key, make) => this.derived(key, make),
          prepare: () => this.prepare(),
          embeddings: ids => this.embeddings(ids)
        };
  }

  /** Releases the sessions. Can be called twice. */
  async release(): Promise<void> {
    const sessions = [
      ...this._sessions.values(),
      ...this._derived.values(),
      ...(this._table ? [this._table] : [])
    ];
    this._sessions.clear();
    this._derived.clear();
    this._table = undefined;
    await Promise.all(
      sessions.map(async session =>
        (await session.catch(() => undefined))?.release()
      )
    );
  }

  private async _prepare(): Promise<PreparedGraph> {
    const { inputs, onnx } = this._source;
    gradientOpset(onnx);
    const plain = decomposeFused(this._whole());
    const graph = new Graph(plain.graph, onnx.file);
    const types = elementTypes(graph);
    const read = inputs.encoderDecoder ? 'decoder_input_ids' : 'input_ids';
    const original = findEmbeddings(graph, 'input_ids', types);
    const interpolated = interpolateEmbeddings(
      graph,
      original,
      types.get(original) ?? ELEMENT.float
    );
    const { probes, feeds } = probeRuns(inputs, interpolated);
    const facts = await probeTensors(
      new Graph(interpolated.graph, onnx.file),
      feeds.map(feed => takenFeeds(interpolated.graph, feed)),
      this._run()
    );
    return { interpolated, facts, ids: read, choices: plain.choices, probes };
  }

  /** The graph; of a merged decoder, with the branch for whole sequences inlined. */
  private _whole(): Graph {
    const { graph, merged, onnx } = this._source;
    if (graph.root === graph) {
      return graph;
    }
    if (!merged) {
      throw new MoEDebuggerError(
        'model-unsupported',
        'the decoder is a branch of a merged graph, and which branch a prompt takes is not known',
        {
          where: onnx.file,
          hint: 'export the model without merging its decoders'
        }
      );
    }
    return new Graph(inlineBranch(graph, merged), onnx.file);
  }

  private _run(): RunGraph {
    return async (graph, feeds, fetches) => {
      const { onnx } = this._source;
      const session = await Engine.shared().createSession(
        {
          bytes: encodeModelProto({ ...onnx.proto, graph }),
          folder: onnx.weightsFolder
        },
        { ...ofSize(graph), graphOptimization: 'disabled' }
      );
      try {
        const runs = [];
        for (const feed of feeds) {
          runs.push((await session.run(feed, [...fetches])).outputs);
        }
        return runs;
      } finally {
        await session.release();
      }
    };
  }

  private _load(graph: GraphProto): Promise<SharedSession> {
    const { onnx, settings } = this._source;
    const proto = withOpset(onnx.proto, gradientOpset(onnx));
    return modelSession(
      Engine.shared(),
      { ...onnx, proto: { ...proto, graph } },
      graph,
      { ...settings, ...ofSize(graph) }
    );
  }
}

/** Above this many nodes onnxruntime's planning of memory reuse, which is quadratic, dominates the time to load. */
const MANY_NODES = 2000;

function ofSize({ node }: GraphProto): SessionOptions {
  return node.length > MANY_NODES
    ? { sideBySide: true, graphOptimization: 'basic' }
    : {};
}

/** Adds the sum of a gradient over the batch, weighted by `STEP_WEIGHTS`: [tokens, width]. */
function sumOverSteps(
  graph: GraphProto,
  gradient: string | undefined
): { graph: GraphProto; sum?: string } {
  if (gradient === undefined) {
    return { graph };
  }
  const writer = new NodeWriter(`${GRADIENT_PREFIX}steps/`);
  const like = writer.op('CastLike', [STEP_WEIGHTS, gradient]);
  const sum = writer.op(
    'ReduceSum',
    [writer.op('Mul', [gradient, like]), writer.ints([0])],
    { keepdims: 0 }
  );
  return {
    sum,
    graph: {
      ...graph,
      node: [...graph.node, ...writer.nodes],
      initializer: [...graph.initializer, ...writer.initializers],
      input: [...graph.input, floatInput(STEP_WEIGHTS, ['batch', 1, 1])]
    }
  };
}
