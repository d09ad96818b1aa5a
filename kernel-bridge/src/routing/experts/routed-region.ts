/** Finds the nodes of a layer's experts: those downstream of the choice, and those whose outputs it weights. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { nodesUpstream } from '../../onnx/graph/walk';
import type { Blocks } from '../blocks';
import type { Router } from '../convention';
import { routerProduct } from '../router-input';

const SUMS = new Set(['Add', 'Sum']);
const SHAPE_ONLY = new Set(['Shape', 'Size']);

export interface RoutedRegion {
  /** In graph order. */
  nodes: GraphNode[];
  /** Tensors that depend on the choice. */
  routed: ReadonlySet<string>;
}

export function routedRegion(
  graph: Graph,
  blocks: Blocks,
  router: Router
): RoutedRegion {
  const { selected, weights, denseWeights, logits } = router.tensors;
  const choice = [
    ...(selected ?? []),
    ...(weights ?? []),
    ...(denseWeights ? [denseWeights] : [])
  ];
  const product = routerProduct(graph, logits);
  const start = product?.index ?? 0;
  const scoring = upstreamFrom(graph, choice, start);
  const routed = new Set(choice);
  const region = new Set<number>();
  const beside: string[] = [];
  for (
    let i = Math.min(...router.selectors.map(({ index }) => index));
    i < graph.nodes.length;
    i++
  ) {
    const node = graph.nodes[i];
    if (
      SHAPE_ONLY.has(node.op) ||
      scoring.has(i) ||
      !node.inputs.some(input => routed.has(input))
    ) {
      continue;
    }
    if (blocks.blockOfJoin(i)) {
      break;
    }
    region.add(i);
    node.outputs.forEach(output => routed.add(output));
    // Other inputs of a sum are shared experts; other inputs of other nodes belong to routed experts.
    if (!SUMS.has(node.op)) {
      beside.push(
        ...node.inputs.filter(input => input !== '' && !routed.has(input))
      );
    }
  }
  const input = inputOf(graph, product);
  for (const index of upstreamFrom(graph, beside, input)) {
    if (!scoring.has(index)) {
      region.add(index);
    }
  }
  return {
    nodes: [...region].sort((a, b) => a - b).map(index => graph.nodes[index]),
    routed
  };
}

/** Index of the first producer of the router product's inputs; experts that read the same input come after it. */
function inputOf(graph: Graph, product: GraphNode | undefined): number {
  const above = product?.inputs
    .map(input => graph.producer(input)?.index)
    .filter(index => index !== undefined);
  return above && above.length > 0 ? Math.min(...(above as number[])) : 0;
}

/** Indices, from `first` on, of the nodes that tensors are computed by. */
function upstreamFrom(
  graph: Graph,
  tensors: readonly string[],
  first: number
): Set<number> {
  return new Set(
    nodesUpstream(graph, tensors, ({ index }) => index >= first).map(
      ({ index }) => index
    )
  );
}
