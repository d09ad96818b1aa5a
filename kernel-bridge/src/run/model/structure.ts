/** Reads a model's structure from its graph, without weights. */
import { MoEDebuggerError } from '../../base/errors';
import { readModel, type OnnxModel } from '../../onnx/file/model';
import { Graph } from '../../onnx/graph/graph';
import { findRoutersInBodies } from '../../routing/bodies';
import {
  findBranchedRouters,
  type BranchedRouters
} from '../../routing/branches';
import { findRouters, type FoundRouters } from '../../routing/find-routers';
import { partsApart } from '../../routing/parts-apart';
import { describeUnknown } from '../../routing/unknown';
import { nameInputs } from './name-inputs';
import { contradictions, readConfig, type ModelConfig } from './config';
import { externalShapes, HOW_TO_EXPORT } from './external-shapes';
import { describeModel, type ModelDescription } from './description';
import { lostWarnings, noteLostExperts } from './lost-experts';

export interface ModelStructure {
  onnx: OnnxModel;
  /** The graph with the routers: the whole one, or one branch of a merged decoder. */
  graph: Graph;
  found: FoundRouters;
  branched?: BranchedRouters;
  config: ModelConfig;
  description: ModelDescription;
}

/**
 * Describes a model from its graph alone: runs nothing, reads no weights.
 * @throws MoEDebuggerError 'model-not-found', 'model-invalid' or 'external-data'
 */
export function inspectModel(path: string): ModelDescription {
  return readStructure(path).description;
}

/**
 * Reads a model's graph and finds its routers; reads no weights.
 * @throws MoEDebuggerError with one of the codes of `inspectModel`
 */
export function readStructure(path: string): ModelStructure {
  const onnx = readModel(path);
  try {
    const { proto } = onnx;
    return understand({
      ...onnx,
      proto: {
        ...proto,
        graph: partsApart(nameInputs(proto.graph, onnx.file), onnx.file)
      }
    });
  } catch (error) {
    // Maliciously deep nesting of a graph makes recursion end in a RangeError.
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
  // Both branches route the same way, so either describes the model.
  const { graph, found: own } = branched?.branches[0] ?? {
    graph: whole,
    found: direct
  };
  const found: FoundRouters = {
    ...own,
    unknown: [
      ...own.unknown,
      ...findRoutersInBodies(whole, direct.blocks, branched?.node)
    ]
  };
  const config = readConfig(onnx.folder);
  const external = externalShapes(whole);
  noteLostExperts(branched?.branches ?? [{ graph, found: own }], config);
  const description = describeModel(onnx, found, [
    ...(external === undefined ? [] : [`${external}: ${HOW_TO_EXPORT}`]),
    ...contradictions(config, found),
    ...lostWarnings(found.routers),
    ...found.unknown.map(
      router => `a router is ignored: ${describeUnknown(router)}`
    )
  ]);
  return { onnx, graph, found, branched, config, description };
}
