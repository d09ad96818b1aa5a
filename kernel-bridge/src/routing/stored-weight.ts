/** Weights as products read them: stored, or computed from stored tensors only (a normalised or scaled weight). */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { attributeInts } from '../onnx/graph/attributes';
import { passedOn } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';

const MAX_DEPTH = 8;

/** True for a stored tensor and for one that is computed from stored tensors only. */
export function isStored(graph: Graph, tensor: string): boolean {
  // Decides most tensors without a walk, since this is called for every product.
  if (graph.isConstant(tensor) || !isComputed(graph, tensor)) {
    return graph.isConstant(tensor);
  }
  for (const { tensor: from, depth } of walk(graph, [tensor], {
    direction: 'upstream',
    through: (_, made) => !graph.isConstant(made)
  })) {
    if (
      !graph.isConstant(from) &&
      !(depth < MAX_DEPTH && isComputed(graph, from))
    ) {
      return false;
    }
  }
  return true;
}

/** True for the output of a node that may be part of the computation of a weight. */
function isComputed(graph: Graph, tensor: string): boolean {
  const node = graph.producer(tensor);
  return (
    node !== undefined && computes(graph, node) && graph.reads(node).length > 0
  );
}

function computes(graph: Graph, node: GraphNode): boolean {
  return COMPUTES.has(node.op) || passedOn(graph, node) !== undefined;
}

/** Dims of a stored or computed weight, where they can be inferred from stored ones. */
export function storedDims(graph: Graph, tensor: string): number[] | undefined {
  // Computed once a tensor, since an untrusted graph may have exponentially many paths.
  const known = new Map<string, number[] | undefined>();
  const dimsOf = (name: string, depth: number): number[] | undefined => {
    if (!known.has(name)) {
      known.set(name, computedDims(name, depth));
    }
    return known.get(name);
  };
  const computedDims = (name: string, depth: number): number[] | undefined => {
    const stored = graph.weightOf(name);
    const node = graph.producer(name);
    if (stored || depth > MAX_DEPTH || !node || !computes(graph, node)) {
      return stored?.dims;
    }
    if (node.op === 'Transpose') {
      const dims = dimsOf(node.inputs[0], depth + 1);
      const perm =
        attributeInts(node.proto, 'perm') ??
        (dims && [...dims.keys()].reverse());
      return dims && perm?.map(axis => dims[axis]);
    }
    if (node.op === 'Reshape') {
      const dims = graph.constantValues(node.inputs[1]);
      return dims?.every(size => size > 0) ? dims : undefined;
    }
    // A broadcast has the dims of the larger operand, and scales are smaller than weights.
    const size = (dims: number[]): number => dims.reduce((a, b) => a * b, 1);
    return graph
      .reads(node)
      .flatMap(input => {
        const dims = dimsOf(input, depth + 1);
        return dims ? [dims] : [];
      })
      .sort((a, b) => size(b) - size(a))[0];
  };
  return dimsOf(tensor, 0);
}

/** Operators by which exporters compute a weight from stored tensors, besides no-ops. */
const COMPUTES = new Set([
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
  'LpNormalization'
]);
