/** What lies between two points of the residual stream: the branches that are added to it, and what it begins with. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { walk } from '../onnx/graph/walk';
import type { Blocks } from './blocks';

export interface BranchContent {
  /** Indices of the nodes that tensors are computed by, up to the residual stream. */
  nodes: Set<number>;
  /** Tensors that no such node makes: stored ones, and inputs of the graph. */
  sources: Set<string>;
}

/** What tensors are computed from, up to the nodes that add a branch to the stream. */
export function contentUpTo(
  graph: Graph,
  blocks: Blocks,
  tensors: readonly string[]
): BranchContent {
  const isJoin = ({ index }: GraphNode): boolean =>
    blocks.blockOfJoin(index) !== undefined;
  const nodes = new Set<number>();
  const sources = new Set<string>();
  for (const { tensor, nodes: makers } of walk(graph, tensors, {
    direction: 'upstream',
    through: node => !isJoin(node)
  })) {
    for (const node of makers.filter(own => !isJoin(own))) {
      nodes.add(node.index);
    }
    if (makers.length === 0 || makers[0].op === 'Constant') {
      sources.add(tensor);
    }
  }
  return { nodes, sources };
}

/** The tensors that the stream of each stack begins with: what its first branch is added to. */
export function streamStarts({ joins, counts }: Blocks): string[] {
  return counts.flatMap(({ stack }) => {
    const first = joins.find(join => join.stack === stack);
    return first
      ? first.node.inputs.filter(input => input !== first.branch)
      : [];
  });
}
