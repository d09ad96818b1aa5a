/** Follows the inputs of attention upstream to their projections. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { TensorFacts } from '../../run/gradients/tensor-facts';
import type { Blocks } from '../../routing/blocks';
import { isWeightProduct } from '../../routing/router-input';
import type { Attention } from './attention';
import type { Probes } from './axes';

/**
 * Outputs of the Q/K/V projections. For a fused QKV projection, the tensors after the split.
 */
export function projectedTensors(
  graph: Graph,
  blocks: Blocks,
  read: { query: string; key: string; value: string }
): Attention['projected'] {
  const paths = {
    query: soleTensors(graph, blocks, read.query),
    key: soleTensors(graph, blocks, read.key),
    value: soleTensors(graph, blocks, read.value)
  };
  const all = Object.values(paths).flat();
  const found: Attention['projected'] = {};
  for (const [name, path] of Object.entries(paths)) {
    const own = path.filter(
      tensor => all.filter(other => other === tensor).length === 1
    );
    const last = own.at(-1);
    if (last !== undefined) {
      found[name as keyof typeof found] = withBias(graph, last);
    }
  }
  return found;
}

/** True for a product with weights that are stored, or computed from stored ones alone such as dequantized weights. */
export function isProjection(
  graph: Graph,
  blocks: Blocks,
  node: GraphNode
): boolean {
  return (
    isWeightProduct(graph, node) ||
    (PRODUCTS.has(node.op) &&
      node.inputs.slice(0, 2).filter(name => blocks.place(name)).length === 1)
  );
}

const PRODUCTS = new Set(['MatMul', 'Gemm']);

/** Output of a product, or its sum with a bias if only that reads it. */
export function withBias(graph: Graph, tensor: string): string {
  const readers = graph.consumers(tensor);
  return readers.length === 1 &&
    readers[0].op === 'Add' &&
    readers[0].inputs.some(name => graph.isConstant(name))
    ? readers[0].outputs[0]
    : tensor;
}

/**
 * Tensors on the only path upstream from a tensor, the last of them the output of a product with stored weights; empty
 * if several products contribute.
 */
function soleTensors(graph: Graph, blocks: Blocks, tensor: string): string[] {
  const open = new Map<number, { node: GraphNode; tensor: string }>();
  const follow = (name: string): boolean => {
    const node = graph.producer(name);
    if (node && blocks.place(name)) {
      open.set(node.index, { node, tensor: name });
    }
    return node !== undefined;
  };
  const sole: string[] = [];
  follow(tensor);
  for (let step = 0; step < MAX_STEPS && open.size > 0; step++) {
    const index = Math.max(...open.keys());
    const { node, tensor: name } = open.get(index)!;
    if (open.size === 1) {
      sole.push(name);
    }
    if (isProjection(graph, blocks, node)) {
      return open.size === 1 ? sole : [];
    }
    open.delete(index);
    node.inputs.forEach(follow);
  }
  return [];
}

/** Nodes of a projection with rotary embedding and norm: exporters write some forty. */
const MAX_STEPS = 120;

/** Number of heads that values are projected to, before they are repeated for the query heads (GQA). */
export function keyValueHeads(
  graph: Graph,
  blocks: Blocks,
  facts: TensorFacts,
  [probe]: Probes,
  value: string,
  width: number
): number {
  let least = Infinity;
  let tensor: string | undefined = value;
  for (let step = 0; step < MAX_STEPS && tensor !== undefined; step++) {
    if (!facts.has(tensor)) {
      break;
    }
    const numbers = facts.shape(tensor)[0].reduce((a, b) => a * b, 1);
    const heads = numbers / (probe.batch * probe.tokens * width);
    if (Number.isInteger(heads) && heads > 0) {
      least = Math.min(least, heads);
    }
    const node: GraphNode | undefined = graph.producer(tensor);
    if (!node || !REPEATS.has(node.op)) {
      break;
    }
    tensor = node.inputs.find(name => blocks.place(name) !== undefined);
  }
  return least;
}

/** Operators between projection and product: they reshape values, repeat them, and append them to a KV cache. */
const REPEATS = new Set([
  'Identity',
  'Cast',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Expand',
  'Tile',
  'Concat',
  'Gather',
  'Add',
  'Mul'
]);
