/** All routers of a graph, found by structure and placed in their blocks. */
import type { Graph } from '../graph/graph';
import { findBlocks, type Blocks } from './blocks';
import type { Router, RouterMatch } from './convention';
import { reachesExperts } from './dispatch';
import { patterns } from './patterns';

export interface FoundRouters {
  /** In graph order. */
  routers: Router[];
  blocks: Blocks;
}

export function findRouters(graph: Graph): FoundRouters {
  const blocks = findBlocks(graph);
  const byAnchor = new Map<string, typeof patterns>();
  for (const pattern of patterns) {
    for (const op of pattern.anchors) {
      byAnchor.set(op, [...(byAnchor.get(op) ?? []), pattern]);
    }
  }
  const routers: Router[] = [];
  // A node that made a pick of a router is no router of its own.
  const taken = new Set<number>();
  for (const node of graph.nodes) {
    for (const pattern of byAnchor.get(node.op) ?? []) {
      const match = taken.has(node.index)
        ? undefined
        : pattern.match(graph, node);
      if (match && sendsTokens(graph, match)) {
        match.selectors.forEach(({ index }) => taken.add(index));
        routers.push({
          ...match,
          ...blocks.blockOf(match.tensors.logits),
          sharedExperts: 0
        });
        break;
      }
    }
  }
  return { routers, blocks };
}

function sendsTokens(graph: Graph, { tensors }: RouterMatch): boolean {
  return tensors.selected === null || reachesExperts(graph, tensors.selected);
}
