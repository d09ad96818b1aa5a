/** From a path to a model that can be traced. */
import { MoEDebuggerError } from '../base/errors';
import { captureBranches } from '../routing/branches';
import { captureGraph } from '../routing/capture';
import { describeUnknown } from '../routing/unknown';
import { cancellable } from '../run/engine/cancel';
import { Engine } from '../run/engine/engine';
import type { SessionOptions } from '../run/engine/messages';
import { fetchModel, type HubOptions } from '../run/model/hub';
import { externalShapes, HOW_TO_EXPORT } from '../run/model/external-shapes';
import { optimizationOf } from '../run/model/graph-optimization';
import { isHubId } from '../run/model/hub-names';
import { LoadedModel } from '../run/model/loaded-model';
import { modelSession } from '../run/model/model-session';
import { readStructure, type ModelStructure } from '../run/model/structure';
import { findTokenizer } from '../run/model/tokenizer';
import { MoEModel } from './moe-model';

export interface LoadOptions extends HubOptions {
  /** Threads within an operator; onnxruntime's own choice when absent. */
  threads?: number;
  /** Default all that onnxruntime can run the graph with. */
  graphOptimization?: SessionOptions['graphOptimization'];
}

/**
 * Loads an MoE model with its routing captured.
 *
 * @param model a folder with one `.onnx` file, the file, or `hf:org/name` to fetch it from a hub
 * @throws MoEDebuggerError with one of the codes of `inspectModel`; 'not-a-moe' when the graph has no router;
 * 'model-unsupported' when onnxruntime refuses the graph
 */
export async function loadModel(
  model: string,
  options: LoadOptions = {}
): Promise<MoEModel> {
  // The thread loads onnxruntime while the graph is read here.
  const engine = Engine.shared();
  const structure = readStructure(
    isHubId(model) ? await fetchModel(model, options) : model
  );
  checkHasRouters(structure);
  const { onnx, found, branched } = structure;
  const tokenizer = findTokenizer(onnx.folder);
  const captured = branched
    ? captureBranches(onnx.proto.graph, branched)
    : captureGraph(onnx.proto.graph, found.routers);
  const settings = {
    threads: options.threads,
    graphOptimization:
      options.graphOptimization ?? optimizationOf(structure.graph)
  };
  const session = await cancellable(
    modelSession(engine, onnx, captured.graph, settings),
    options.signal
  );
  return new MoEModel(
    new LoadedModel(structure, {
      tokenizer,
      settings,
      plan: captured.plan,
      session
    })
  );
}

/** @throws MoEDebuggerError 'not-a-moe' */
function checkHasRouters({ onnx, found, graph }: ModelStructure): void {
  if (found.routers.length > 0) {
    return;
  }
  const external = externalShapes(graph.root);
  const unknown = found.unknown.map(describeUnknown).join('; ');
  throw new MoEDebuggerError(
    'not-a-moe',
    external ??
      (unknown === ''
        ? 'the model has no router that this version knows'
        : `the model has routers of a kind that this version does not know: ${unknown}`),
    {
      where: onnx.file,
      hint:
        external === undefined
          ? 'load a Mixture-of-Experts model; if it is one, please report it'
          : HOW_TO_EXPORT
    }
  );
}
