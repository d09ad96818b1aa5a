/** What a model's graph says of it, before anything runs: weights are not read. */
import { MoEDebuggerError } from '../../base/errors';
import { readModel, type OnnxModel } from '../../onnx/file/model';
import { Graph } from '../../onnx/graph/graph';
import { findRoutersInBodies } from '../../routing/bodies';
import {
  findBranchedRouters,
  type BranchedRouters
} from '../../routing/branches';
import { findRouters, type FoundRouters } from '../../routing/find-routers';
import { describeUnknown } from '../../routing/unknown';
import { contradictions, readConfig, type ModelConfig } from './config';
import { describeModel, type ModelDescription } from './description';

export interface ModelStructure {
  onnx: OnnxModel;
  /** The graph that holds the routers: the whole one, or one branch of a merged decoder. */
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
