/** What multiplies the output of a fused op, and so the weights of its experts. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { sameSource, sourceOf, viewsOf } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';

export interface OutputFactor {
  /** The output times all that was read. */
  tensor: string;
  /** A number; 1 when nothing multiplies the output. */
  factor: number;
  /** The output is also multiplied by the sum of the chosen scores, or by its share of the sum and an epsilon. */
  ofSum: boolean;
  epsilon?: number;
}

const SUMS = new Set([
  'Add',
  'Sum',
  'com.microsoft.SkipLayerNormalization',
  'com.microsoft.SkipSimplifiedLayerNormalization'
]);
const MAX_FACTORS = 4;

/**
 * @param chosen the scores whose sum may be a factor
 * @returns undefined when a factor is not known
 */
export function readOutputFactor(
  graph: Graph,
  node: GraphNode,
  chosen: string | undefined
): OutputFactor | undefined {
  const found: OutputFactor = {
    tensor: node.outputs[0],
    factor: 1,
    ofSum: false
  };
  for (let step = 0; step < MAX_FACTORS; step++) {
    const views = viewsOf(graph, found.tensor);
    const product = views
      .flatMap(view => graph.consumers(view))
      .find(({ op, inputs }) =>
        (op === 'Mul' || op === 'Div') && views.includes(inputs[0])
          ? true
          : op === 'Mul' && views.includes(inputs[1])
      );
    if (!product) {
      return found;
    }
    const other = views.includes(product.inputs[0])
      ? product.inputs[1]
      : product.inputs[0];
    const constant = graph.constantScalar(other);
    if (constant !== undefined) {
      if (multipliesBranches(graph, product, constant)) {
        return found;
      }
      found.factor *= product.op === 'Div' ? 1 / constant : constant;
    } else if (
      graph.constantValues(other) !== undefined ||
      graph.isConstant(other)
    ) {
      // A weight for each channel (LayerScale) is no weight of an expert.
      return found;
    } else {
      const share =
        chosen !== undefined && product.op === 'Mul' && !found.ofSum
          ? readShare(graph, other, chosen)
          : undefined;
      if (!share) {
        // A norm divides the output by what is computed from it.
        return dependsOn(graph, other, found.tensor) ? found : undefined;
      }
      found.ofSum = true;
      found.factor *= share.factor;
      if (share.epsilon !== undefined) {
        found.epsilon = share.epsilon;
      }
    }
    [found.tensor] = product.outputs;
  }
  return found;
}

function dependsOn(graph: Graph, tensor: string, on: string): boolean {
  for (const step of walk(graph, [tensor], {
    direction: 'upstream',
    maxTensors: MAX_NORM_TENSORS
  })) {
    if (step.tensor === on) {
      return true;
    }
  }
  return false;
}

/** A norm takes a few nodes. */
const MAX_NORM_TENSORS = 40;

/** Reads sum(chosen), or sum(chosen) / (sum(chosen) + epsilon), times a number. */
function readShare(
  graph: Graph,
  tensor: string,
  chosen: string
): { factor: number; epsilon?: number } | undefined {
  let factor = 1;
  let at = tensor;
  for (let step = 0; step < MAX_FACTORS; step++) {
    const { node } = sourceOf(graph, at);
    const isSum = (name: string): boolean => {
      const { node: sum } = sourceOf(graph, name);
      return (
        sum?.op === 'ReduceSum' && sameSource(graph, sum.inputs[0], chosen)
      );
    };
    if (isSum(at)) {
      return { factor };
    }
    if (node?.op === 'Div' && isSum(node.inputs[0])) {
      const epsilon = epsilonOf(graph, node.inputs[1], isSum);
      return epsilon === undefined ? undefined : { factor, epsilon };
    }
    const scalar = node?.inputs.find(
      input => graph.constantScalar(input) !== undefined
    );
    const rest = node?.inputs.find(input => input !== scalar);
    if (node?.op !== 'Mul' || scalar === undefined || rest === undefined) {
      return undefined;
    }
    factor *= graph.constantScalar(scalar)!;
    at = rest;
  }
  return undefined;
}

/** The epsilon of sum + epsilon, or of a sum that is kept from zero. */
function epsilonOf(
  graph: Graph,
  tensor: string,
  isSum: (tensor: string) => boolean
): number | undefined {
  const { node } = sourceOf(graph, tensor);
  if (isSum(tensor)) {
    return 0;
  }
  if (!node?.inputs.some(isSum)) {
    return undefined;
  }
  const [epsilon] = node.inputs.flatMap(
    input => graph.constantScalar(input) ?? []
  );
  return node.op === 'Add'
    ? epsilon
    : node.op === 'Max' || node.op === 'Clip'
      ? 0
      : undefined;
}

/**
 * True when the same number also multiplies branches without experts: a factor of the residual stream (Granite), which is no
 * part of the routing.
 */
function multipliesBranches(
  graph: Graph,
  product: GraphNode,
  factor: number
): boolean {
  return graph.nodes.some(node => {
    const { op, inputs, outputs, index } = node;
    const value =
      op === 'Mul'
        ? inputs.find(input => graph.constantScalar(input) === factor)
        : undefined;
    const branch = inputs.find(input => input !== value);
    return (
      index !== product.index &&
      value !== undefined &&
      branch !== undefined &&
      !/MoE$/.test(sourceOf(graph, branch).node?.op ?? '') &&
      viewsOf(graph, outputs[0])
        .flatMap(view => graph.consumers(view))
        .some(next => SUMS.has(next.op)) &&
      !graph.isConstant(branch) &&
      isProjection(graph, branch)
    );
  });
}

/** True for the output of a product with a stored weight: what attention or an MLP adds to the stream. */
function isProjection(graph: Graph, tensor: string): boolean {
  const { node } = sourceOf(graph, tensor);
  const product =
    node?.op === 'Add'
      ? node.inputs.flatMap(input => sourceOf(graph, input).node ?? [])[0]
      : node;
  return /MatMul|Gemm/.test(product?.op ?? '');
}
