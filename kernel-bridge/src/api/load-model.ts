/** From a path to a model that can be traced. */
import { cancellable } from '../run/engine/cancel';
import { Engine } from '../run/engine/engine';
import type { SessionOptions } from '../run/engine/messages';
import { editableGraph, type EditableModel } from '../run/edits/editable-graph';
import { EditedSession } from '../run/edits/edited-session';
import { rewriteFused } from '../run/edits/rewrite-fused';
import type { SharedSession } from '../run/engine/session-pool';
import { MoEDebuggerError } from '../base/errors';
import { LazyGradients } from '../run/gradients/lazy-gradients';
import { Graph } from '../onnx/graph/graph';
import { Head, headGraph } from '../analyses/lens/head';
import { readModel, type OnnxModel } from '../onnx/file/model';
import type { GraphProto } from '../onnx/file/schema';
import {
  captureBranches,
  findBranchedRouters,
  type BranchedRouters
} from '../routing/branches';
import { captureGraph } from '../routing/capture';
import { findRoutersInBodies } from '../routing/bodies';
import { findRouters, type FoundRouters } from '../routing/find-routers';
import { describeUnknown } from '../routing/unknown';
import { growGraph } from '../analyses/sweep/growing-graph';
import { GrowingSession } from '../analyses/sweep/growing-session';
import {
  contradictions,
  readConfig,
  type ModelConfig
} from '../run/model/config';
import { describeModel, type ModelDescription } from '../run/model/description';
import { fetchModel, isHubId, type HubOptions } from '../run/model/hub';
import { ModelInputs } from '../run/model/inputs';
import { modelSession } from '../run/model/model-session';
import { MoEModel } from './moe-model';
import { Tokenizer } from '../run/model/tokenizer';
import { logitsOutput } from '../run/model/vocabulary';

export interface LoadOptions extends HubOptions {
  /** Threads within an operator; onnxruntime's own choice when absent. */
  threads?: number;
  graphOptimization?: SessionOptions['graphOptimization'];
}

/** A model as its graph describes it, before anything runs. */
export interface ModelStructure {
  onnx: OnnxModel;
  graph: Graph;
  found: FoundRouters;
  branched?: BranchedRouters;
  config: ModelConfig;
  description: ModelDescription;
}

/**
 * Describes a model from its graph alone: nothing is run, weights are not read.
 * @throws MoEDebuggerError 'model-not-found', 'model-invalid' or 'external-data'
 */
export function inspectModel(path: string): ModelDescription {
  return readStructure(path).description;
}

/**
 * Loads an MoE model with its routing captured.
 *
 * @param model a folder with one `.onnx` file, the file, or `hf:org/name` to fetch it from a hub
 * @throws MoEDebuggerError with one of the codes of `inspectModel`; 'not-a-moe' when the graph has no router;
 * 'tokenizer'; 'model-unsupported' when onnxruntime refuses the graph
 */
export async function loadModel(
  model: string,
  options: LoadOptions = {}
): Promise<MoEModel> {
  // The thread loads onnxruntime while the graph is read here.
  const engine = Engine.shared();
  const understood = readStructure(
    isHubId(model) ? await fetchModel(model, options) : model
  );
  const { onnx, graph, found, branched, config, description } = understood;
  if (found.routers.length === 0) {
    throw new MoEDebuggerError(
      'not-a-moe',
      found.unknown.length > 0
        ? `the model has routers of a kind that this version does not know: ${found.unknown.map(describeUnknown).join('; ')}`
        : 'the model has no router that this version knows',
      {
        where: onnx.file,
        hint: 'load a Mixture-of-Experts model; if it is one, please report it'
      }
    );
  }
  const tokenizer = Tokenizer.load(onnx.folder);
  const captured = branched
    ? captureBranches(onnx.proto.graph, branched)
    : captureGraph(onnx.proto.graph, found.routers);
  const settings = {
    threads: options.threads,
    graphOptimization: options.graphOptimization
  };
  const { session, release } = await cancellable(
    modelSession(engine, onnx, captured.graph, settings),
    options.signal
  );
  const load = (edited: GraphProto): Promise<SharedSession> =>
    modelSession(Engine.shared(), onnx, edited, settings);
  const editing = (read: () => EditableModel, probed = false): EditedSession =>
    new EditedSession(() => {
      const { graph: edited, ...described } = editableGraph(read(), probed);
      return { ...described, load: () => load(edited) };
    });
  return new MoEModel({
    onnx,
    graph,
    routers: found.routers,
    plan: captured.plan,
    config,
    description,
    tokenizer,
    session,
    release,
    edited: editing(() => understood),
    rewritten: editing(() => rewriteFused(understood)),
    probed: editing(() => understood, true),
    head: new Head(
      () => headGraph(graph, found.blocks, logitsOf(understood)),
      load
    ),
    growing: new GrowingSession(
      () =>
        branched
          ? undefined
          : growGraph(
              editableGraph(understood).graph,
              graph,
              found,
              onnx.opset
            ),
      load
    ),
    gradients: new LazyGradients({
      onnx,
      graph,
      ...(branched?.promptFirst ? { merged: branched.node } : {}),
      inputs: new ModelInputs(graph, config),
      settings
    })
  });
}

/** The logits as the graph that holds the routers names them: a branch of an If has names of its own. */
function logitsOf({ onnx, branched, graph }: ModelStructure): string {
  const logits = logitsOutput(onnx.proto.graph);
  return branched
    ? graph.outputs[branched.node.outputs.indexOf(logits)]
    : logits;
}

/**
 * Reads a model's graph and finds its routers; weights are not read.
 * @throws MoEDebuggerError with one of the codes of `inspectModel`
 */
export function readStructure(path: string): ModelStructure {
  const onnx = readModel(path);
  try {
    return understand(onnx);
  } catch (error) {
    // Recursion over a graph ends in a RangeError when someone nests it deeply on purpose.
    if (error instanceof RangeError) {
      throw new MoEDebuggerError(
        'model-invalid',
        'the graph is nested or chained too deeply',
        { where: onnx.file, hint: 'export the model again', cause: error }
      );
    }
    throw error;
  }
}

function understand(onnx: OnnxModel): ModelStructure {
  const whole = new Graph(onnx.proto.graph, onnx.file);
  const direct = findRouters(whole);
  const branched =
    direct.routers.length === 0 ? findBranchedRouters(whole) : undefined;
  // Both branches route alike, so either describes the model.
  const { graph, found: own } = branched?.branches[0] ?? {
    graph: whole,
    found: direct
  };
  const found: FoundRouters = {
    ...own,
    unknown: [...own.unknown, ...findRoutersInBodies(whole, branched?.node)]
  };
  const config = readConfig(onnx.folder);
  const description = describeModel(onnx, found, [
    ...contradictions(config, found),
    ...found.unknown.map(
      router => `a router is left out: ${describeUnknown(router)}`
    )
  ]);
  return { onnx, graph, found, branched, config, description };
}
