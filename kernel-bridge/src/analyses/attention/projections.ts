/** From what attention reads, up to the products with stored weights that it comes from. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { TensorFacts } from '../../run/gradients/tensor-facts';
import type { Blocks } from '../../routing/blocks';
import { isWeightProduct } from '../../routing/router-input';
import type { Attention } from './attention';
import type { Probes } from './axes';

/**
 * Query, key and value as their projections give them. What one product gives of all three is followed to where it is
 * split.
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

/** A product with weights: stored, or computed from what is stored alone, as unpacked ones are. */
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

/** What a product gives, or its sum with a bias where that is all that reads it. */
export function withBias(graph: Graph, tensor: string): string {
  const readers = graph.consumers(tensor);
  return readers.length === 1 &&
    readers[0].op === 'Add' &&
    readers[0].inputs.some(name => graph.isConstant(name))
    ? readers[0].outputs[0]
    : tensor;
}

/**
 * Tensors that all of a tensor is computed from, the last of them a product with stored weights; none where several
 * products go into it.
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

/** Steps of a projection with rotation and norm: exporters write some forty. */
const MAX_STEPS = 120;

/** Heads that values were projected to, before they are repeated for the queries' heads. */
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

/** What is done to values before they are mixed: they are laid out, repeated, and put behind a cache. */
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
