/** Finds the matrix product that computes a router's logits, upstream of its scores. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { attributeInt, attributeInts } from '../onnx/graph/attributes';
import { passedOn } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';
import { partsOf } from './parts';
import { isStored, storedDims } from './stored-weight';

/** Products of activations with weights, with the index of the weight input. */
const PRODUCTS = new Map<string, number>([
  ['Gemm', 1],
  ['MatMul', 1],
  ['MatMulInteger', 1],
  ['QLinearMatMul', 3],
  ['Einsum', 1],
  ['Conv', 1],
  ['com.microsoft.FusedMatMul', 1],
  ['com.microsoft.FusedGemm', 1],
  ['com.microsoft.MatMulNBits', 1],
  ['com.microsoft.MatMulBnb4', 1],
  ['com.microsoft.MatMulIntegerToFloat', 1],
  ['com.microsoft.DynamicQuantizeMatMul', 1],
  ['com.microsoft.QGemm', 3],
  ['com.microsoft.GemmFloat8', 1]
]);

/** Operators between product and score, besides no-ops, that keep one value an expert: they scale, shift or move it. */
const ELEMENTWISE = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Tanh',
  'Clip',
  'Where',
  'Min',
  'Max',
  'DequantizeLinear',
  'QuantizeLinear',
  'Transpose',
  'Abs',
  'Neg'
]);
const MAX_STEPS = 24;
/** Parts of parts, at most. */
const MAX_PARTS = 3;
/** Bounds the search upstream of a tensor without a declared size. */
const MAX_TENSORS = 200;

/** The weight product that logits are computed by, upstream through elementwise nodes. */
export function routerProduct(
  graph: Graph,
  logits: string
): GraphNode | undefined {
  for (const {
    nodes: [node]
  } of walk(graph, [logits], {
    direction: 'upstream',
    maxDepth: MAX_STEPS,
    through: node =>
      (upstreamOf(graph, node) ?? wholeOf(graph, node))?.filter(
        input => !graph.isConstant(input)
      ) ?? false
  })) {
    if (node && isWeightProduct(graph, node)) {
      return node;
    }
  }
  return undefined;
}

/** The inputs that a node between product and score computes its values from; undefined for any other node. */
function upstreamOf(
  graph: Graph,
  node: GraphNode
): readonly string[] | undefined {
  const same = passedOn(graph, node);
  return same !== undefined
    ? [same]
    : ELEMENTWISE.has(node.op)
      ? node.inputs
      : undefined;
}

/** What a node takes a part of the last axis of, as of logits over routed and shared experts. */
function wholeOf(graph: Graph, node: GraphNode): string[] | undefined {
  const [whole] = node.inputs;
  if (node.op !== 'Slice' && node.op !== 'Split') {
    return undefined;
  }
  const width = lastDim(graph, whole);
  return width !== undefined && partsOf(graph, node, width)
    ? [whole]
    : undefined;
}

/** False for a Transpose that makes another axis the last, or does not say so. */
function keepsLastAxis({ op, proto }: GraphNode): boolean {
  const perm = attributeInts(proto, 'perm');
  return (
    op !== 'Transpose' ||
    (perm !== undefined && perm.at(-1) === perm.length - 1)
  );
}

/** The activation input of a weight product. */
export function productInput(graph: Graph, product: GraphNode): string {
  return (
    product.inputs.find(name => name !== '' && !graph.isConstant(name)) ??
    product.inputs[0]
  );
}

/** True for a product of activations with a stored weight. */
export function isWeightProduct(graph: Graph, node: GraphNode): boolean {
  const weight = PRODUCTS.get(node.op);
  return weight !== undefined && hasWeight(graph, node, weight);
}

function hasWeight(graph: Graph, node: GraphNode, index: number): boolean {
  if (node.op === 'Einsum' || node.op === 'MatMul') {
    // Exporters put the weight on either side.
    return node.inputs.some(input => isStored(graph, input));
  }
  return isStored(graph, node.inputs[index] ?? '');
}

/** The size of the last axis: declared in the file, or inferred from weights and shapes upstream. */
export function lastDim(
  graph: Graph,
  tensor: string,
  nested = 0
): number | undefined {
  for (const step of walk(graph, [tensor], {
    direction: 'upstream',
    order: 'depth',
    maxTensors: MAX_TENSORS,
    through: (node, from) =>
      node.op !== 'Reshape' &&
      (passedOn(graph, node) !== undefined || keepsLastAxis(node)) &&
      ownLastDim(graph, from, nested) === undefined &&
      (upstreamOf(graph, node) ?? (SCORES.has(node.op) && node.inputs))
  })) {
    const dim = ownLastDim(graph, step.tensor, nested);
    // Upstream a size of 1 may be broadcast against the other operand.
    if (dim !== undefined && (dim > 1 || step.depth === 0)) {
      return dim;
    }
  }
  return undefined;
}

/** The size of the last axis where the file declares it or the producing node alone determines it. */
function ownLastDim(
  graph: Graph,
  tensor: string,
  nested: number
): number | undefined {
  const declared = graph.shape(tensor)?.at(-1);
  const node = graph.producer(tensor);
  if (declared !== undefined || !node) {
    return declared;
  }
  switch (node.op) {
    case 'Gemm':
    case 'com.microsoft.FusedGemm':
      return graph
        .weightOf(node.inputs[1])
        ?.dims?.at(attributeInt(node.proto, 'transB') ? 0 : 1);
    case 'com.microsoft.MatMulNBits':
    case 'com.microsoft.MatMulBnb4':
      return attributeInt(node.proto, 'N');
    case 'com.microsoft.FusedMatMul':
      return graph
        .weightOf(node.inputs[1])
        ?.dims?.at(attributeInt(node.proto, 'transB') ? -2 : -1);
    case 'MatMul':
    case 'MatMulInteger':
    case 'com.microsoft.DynamicQuantizeMatMul':
    case 'com.microsoft.MatMulIntegerToFloat':
      return storedDims(graph, node.inputs[1])?.at(-1);
    case 'Slice':
    case 'Split': {
      const whole =
        nested < MAX_PARTS
          ? lastDim(graph, node.inputs[0], nested + 1)
          : undefined;
      const part =
        whole === undefined
          ? undefined
          : partsOf(graph, node, whole)?.find(own => own.tensor === tensor);
      return part && part.to - part.from;
    }
    case 'QLinearMatMul':
      return storedDims(graph, node.inputs[3])?.at(-1);
    case 'Reshape': {
      const last = graph.constantValues(node.inputs[1])?.at(-1);
      return last !== undefined && last > 0 ? last : undefined;
    }
    default:
      return undefined;
  }
}

const SCORES = new Set([
  'Softmax',
  'Sigmoid',
  'ScatterElements',
  'com.microsoft.QLinearSoftmax',
  'com.microsoft.QLinearSigmoid'
]);
