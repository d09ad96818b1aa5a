/** Roles of an expert's weights (gate, up, down, bias), from their position between its input and output. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { passedOn } from '../../onnx/graph/no-ops';
import { walk } from '../../onnx/graph/walk';
import type { WeightRole } from './expert';
import type { WeightUse } from './weight-use';

const ACTIVATIONS = new Set([
  'Sigmoid',
  'Tanh',
  'Relu',
  'Gelu',
  'Erf',
  'Softplus',
  'Elu',
  'HardSwish',
  'Mish',
  'Swish',
  'com.microsoft.QuickGelu',
  'com.microsoft.Gelu',
  'com.microsoft.FastGelu',
  'com.microsoft.BiasGelu'
]);
const SPLITS = new Set(['Split', 'Slice', 'Gather']);
/** Operators between a product and an activation, besides no-ops. */
const PASSES = new Set(['Add', 'Transpose', 'Mul', 'Clip', 'Div']);
const MULTIPLIES = new Set(['MatMul', 'Einsum', 'Gemm']);

/** @param nodes nodes that compute the expert, in graph order */
export function rolesOf(
  graph: Graph,
  uses: readonly WeightUse[],
  nodes: readonly GraphNode[]
): (WeightRole | undefined)[] {
  // The node that multiplies a weight: its own, or for a gathered weight the product that reads it.
  const at = uses.map(use =>
    use.kind === 'lookup' ? productBelow(graph, use.node) : use.node
  );
  const isProduct = new Set(
    at.flatMap((node, i) =>
      node && (uses[i].kind !== 'bias' || node.op === 'Gemm')
        ? [node.index]
        : []
    )
  );
  const behind = new Set<string>();
  const second = new Set<number>();
  for (const node of nodes) {
    const follows = node.inputs.some(input => behind.has(input));
    if (isProduct.has(node.index) && follows) {
      second.add(node.index);
    }
    if (follows || isProduct.has(node.index)) {
      node.outputs.forEach(output => behind.add(output));
    }
  }
  const first = new Set([...isProduct].filter(index => !second.has(index)));
  return uses.map((use, i): WeightRole | undefined => {
    const node = at[i];
    if (use.kind === 'bias' || !node) {
      return 'bias';
    }
    if (second.has(node.index)) {
      return 'down';
    }
    return first.size === 1
      ? meets(graph, node, SPLITS)
        ? 'gate_up'
        : 'up'
      : meets(graph, node, ACTIVATIONS)
        ? 'gate'
        : 'up';
  });
}

/** The product that reads a gathered weight; undefined when the weight is added. */
function productBelow(graph: Graph, lookup: GraphNode): GraphNode | undefined {
  for (const { nodes } of walk(graph, lookup.outputs, {
    direction: 'downstream',
    maxDepth: 3,
    through: (node, from) =>
      passedOn(graph, node) === from ||
      (PASSES.has(node.op) && node.op !== 'Add' && node.op !== 'Mul')
  })) {
    const product = nodes.find(({ op }) => MULTIPLIES.has(op));
    if (product) {
      return product;
    }
  }
  return undefined;
}

/** True when a product's output reaches one of `ops` before it is combined with another activation. */
function meets(
  graph: Graph,
  product: GraphNode,
  ops: ReadonlySet<string>
): boolean {
  for (const { nodes } of walk(graph, product.outputs, {
    direction: 'downstream',
    maxDepth: 2,
    through: (node, from) =>
      passedOn(graph, node) === from ||
      (PASSES.has(node.op) &&
        (node.op !== 'Mul' || node.inputs.some(input => isScale(graph, input))))
  })) {
    if (
      nodes.some(
        node => ops.has(node.op) && passedOn(graph, node) === undefined
      )
    ) {
      return true;
    }
  }
  return false;
}

/** True for a constant factor, and for the product of scales that dequantises a quantised product. */
function isScale(graph: Graph, tensor: string): boolean {
  const node = graph.producer(tensor);
  return (
    graph.isConstant(tensor) ||
    (node?.op === 'Mul' && node.inputs.some(input => graph.isConstant(input)))
  );
}
