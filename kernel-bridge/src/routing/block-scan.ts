/**
 * What happens between a router's choice and the residual stream: whether an expert that every token takes is added
 * to the routed ones, and whether the routed part holds the attention itself.
 */
import type { Graph, GraphNode } from '../graph/graph';
import { isAttention } from './blocks';
import type { RouterMatch } from './convention';
import { isWeightProduct, routerProduct, sourceOf } from './router-input';

export interface BlockScan {
  /** MLPs that all tokens take, beside the routed experts. */
  sharedExperts: number;
  /** The experts are attention's own projections (mixture-of-attention), not an MLP. */
  inAttention: boolean;
}

const SUMS = new Set([
  'Add',
  'Sum',
  'com.microsoft.SkipLayerNormalization',
  'com.microsoft.SkipSimplifiedLayerNormalization'
]);
/** These look at a tensor's shape only, so their results carry nothing of its values. */
const SHAPE_ONLY = new Set(['Shape', 'Size']);

export function scanBlock(graph: Graph, match: RouterMatch): BlockScan {
  const product = routerProduct(graph, match.tensors.logits);
  const input = product && sourceOf(graph, activationOf(graph, product));
  const scan: BlockScan = { sharedExperts: 0, inAttention: false };
  if (!product || !input) {
    return scan;
  }
  const { tensors, selectors } = match;
  // What depends on the choice, and what depends on the router's input but not on the choice.
  const routed = new Set<string>([
    ...(tensors.selected ?? []),
    ...(tensors.weights ?? []),
    ...(tensors.denseWeights ? [tensors.denseWeights] : []),
    ...(tensors.selected === null
      ? graph.nodes[selectors[0].index].outputs
      : [])
  ]);
  const beside = new Set<string>([input.tensor]);
  const besideExpert = new Set<string>();
  const start = graph.producer(input.tensor)?.index ?? 0;
  for (let i = start; i < graph.nodes.length; i++) {
    const node = graph.nodes[i];
    if (SHAPE_ONLY.has(node.op)) {
      continue;
    }
    const isRouted = node.inputs.some(name => routed.has(name));
    if (isRouted && isAttention(graph, node)) {
      scan.inAttention = true;
    }
    if (isRouted && SUMS.has(node.op)) {
      const others = node.inputs.filter(
        name => name !== '' && !routed.has(name) && !graph.isConstant(name)
      );
      if (others.some(name => besideExpert.has(name))) {
        scan.sharedExperts++;
      } else if (
        others.some(
          name =>
            !beside.has(name) || sourceOf(graph, name).tensor === input.tensor
        )
      ) {
        // The residual stream, which without a norm before the router is its input: the block ends here.
        return scan;
      }
    }
    if (isRouted) {
      node.outputs.forEach(name => routed.add(name));
    } else if (node.inputs.some(name => beside.has(name))) {
      const expert =
        node.inputs.some(name => besideExpert.has(name)) ||
        (node !== product && isWeightProduct(graph, node));
      for (const name of node.outputs) {
        beside.add(name);
        if (expert) {
          besideExpert.add(name);
        }
      }
    }
  }
  return scan;
}

function activationOf(graph: Graph, product: GraphNode): string {
  return (
    product.inputs.find(name => name !== '' && !graph.isConstant(name)) ??
    product.inputs[0]
  );
}
