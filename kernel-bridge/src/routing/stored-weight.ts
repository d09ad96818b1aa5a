/** Weights as products read them: stored, or computed from stored tensors alone (a normalised or scaled weight). */
import type { Graph } from '../onnx/graph/graph';
import { attributeInts } from '../onnx/graph/attributes';

const MAX_DEPTH = 8;

/** True for a stored tensor and for what is computed from stored tensors alone. */
export function isStored(graph: Graph, tensor: string, depth = 0): boolean {
  if (graph.isConstant(tensor)) {
    return true;
  }
  const node = graph.producer(tensor);
  const inputs = node?.inputs.filter(input => input !== '') ?? [];
  return (
    depth < MAX_DEPTH &&
    inputs.length > 0 &&
    COMPUTES.has(node!.op) &&
    inputs.every(input => isStored(graph, input, depth + 1))
  );
}

/** Dims of a stored or computed weight, where they follow from stored ones. */
export function storedDims(
  graph: Graph,
  tensor: string,
  depth = 0
): number[] | undefined {
  const stored = graph.weightOf(tensor);
  if (stored || depth > MAX_DEPTH) {
    return stored?.dims;
  }
  const node = graph.producer(tensor);
  if (!node || !COMPUTES.has(node.op)) {
    return undefined;
  }
  if (node.op === 'Transpose') {
    const dims = storedDims(graph, node.inputs[0], depth + 1);
    const perm =
      attributeInts(node.proto, 'perm') ?? (dims && [...dims.keys()].reverse());
    return dims && perm?.map(axis => dims[axis]);
  }
  // Broadcasting keeps the larger operand's dims; what a weight is scaled by is smaller.
  const size = (dims: number[]): number => dims.reduce((a, b) => a * b, 1);
  return node.inputs
    .flatMap(input => {
      const dims =
        input === '' ? undefined : storedDims(graph, input, depth + 1);
      return dims ? [dims] : [];
    })
    .sort((a, b) => size(b) - size(a))[0];
}

const COMPUTES = new Set([
  'Identity',
  'Cast',
  'Transpose',
  'Div',
  'Mul',
  'Sub',
  'Add',
  'Pow',
  'Sqrt',
  'Exp',
  'Clip',
  'Max',
  'Abs',
  'Expand',
  'Reciprocal',
  'ReduceL2',
  'ReduceSum',
  'ReduceMean',
  'ReduceSumSquare',
  'Unsqueeze',
  'Squeeze',
  'LpNormalization'
]);
