/** What an expert is made of: its stored weights with their statistics, and how like its siblings it is. */
import { MoEDebuggerError } from '../../base/errors';
import {
  layerName,
  type ExpertElement,
  type WeightElement
} from '../../base/protocol';
import { ELEMENT_BITS } from '../../onnx/file/schema';
import { dimsOf } from '../../onnx/file/tensor';
import { packedBits } from '../../onnx/graph/parameter-storage';
import { findExperts, type ExpertWeight } from '../../routing/experts';
import { ExpertWeights } from '../../routing/experts/expert-weights';
import type { ModelStructure } from '../../run/model/structure';
import { tensorStatistics } from './tensor-statistics';

const UINT8 = 2;

/** Larger experts are not read: it would hold up the kernel for seconds. */
const MAX_BYTES = 2 ** 28;

/**
 * @param router index into the routers
 * @param similarity [experts, experts], of their weights; absent where it was not computed
 * @throws MoEDebuggerError 'input' for a router or an expert that the model does not have, 'model-unsupported' where the graph
 * does not tell its experts apart or the expert is too large, 'external-data'
 */
export function expertElement(
  { onnx, graph, found }: ModelStructure,
  router: number,
  expert: number,
  similarity?: Float64Array
): ExpertElement {
  const own = found.routers[router];
  if (!own || expert >= own.experts) {
    throw new MoEDebuggerError(
      'input',
      own
        ? `there is no expert ${expert}`
        : `there is no router of index ${router}`,
      {
        where: own ? layerName(own) : onnx.name,
        hint: own
          ? `experts run from 0 to ${own.experts - 1}`
          : `routers run from 0 to ${found.routers.length - 1}`
      }
    );
  }
  const { layer, stack, module, experts, topK, convention } = own;
  const part = findExperts(graph, own, found.blocks)?.[expert];
  if (!part || part.weights.length === 0) {
    throw new MoEDebuggerError(
      'model-unsupported',
      'the graph does not tell the weights of this expert apart',
      {
        where: layerName(own),
        hint: 'export the model with one tensor an expert, or with tensors that stack them'
      }
    );
  }
  const weights = new ExpertWeights(graph, onnx.weightsFolder);
  try {
    if (weights.bytes(part, experts) > MAX_BYTES) {
      throw new MoEDebuggerError(
        'model-unsupported',
        `the expert has more than ${MAX_BYTES / 2 ** 20} MiB of weights`,
        { where: layerName(own), hint: 'read them in a program of your own' }
      );
    }
    const stored = part.weights.filter(
      ({ tensor }) => graph.weightOf(tensor) !== undefined
    );
    const values = weights.read(part, experts);
    return {
      model: onnx.name,
      layer,
      ...(stack ? { stack } : {}),
      ...(module ? { module } : {}),
      experts,
      topK,
      score: convention.score === 'sigmoid' ? 'sigmoid' : 'softmax',
      expert,
      weights: stored.map((weight, i) =>
        weightElement(graph, weight, values[i], experts)
      ),
      likeness: similarity
        ? Array.from({ length: experts }, (_, other) => {
            const cosine = similarity[expert * experts + other];
            return Number.isFinite(cosine) ? cosine : null;
          })
        : null,
      notes: similarity
        ? []
        : [
            'how like its siblings it is was not computed: the experts of the model are too large to be compared here'
          ]
    };
  } finally {
    weights.close();
  }
}

function weightElement(
  graph: ModelStructure['graph'],
  { tensor, role, slice, quantized }: ExpertWeight,
  values: Float32Array,
  experts: number
): WeightElement {
  const proto = graph.weightOf(tensor)!.tensor;
  const dims = dimsOf(proto);
  const shape =
    slice !== undefined && dims[0] === experts ? dims.slice(1) : dims;
  // Only bytes hold several parameters.
  const consumers = proto.dataType === UINT8 ? graph.consumers(tensor) : [];
  const packed = consumers
    .map(({ op, proto: node }) => packedBits(op, node))
    .find(bits => bits !== undefined);
  return {
    tensor,
    ...(role ? { role } : {}),
    shape,
    bits: packed ?? ELEMENT_BITS[proto.dataType ?? 0] ?? 32,
    quantized,
    ...tensorStatistics(values, shape)
  };
}
