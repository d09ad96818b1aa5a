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
  const taken = new Set<string>();
  for (const node of graph.nodes) {
    for (const pattern of byAnchor.get(node.op) ?? []) {
      const match = pattern.match(graph, node);
      // One router is selected from once: a second match on the same logits is a later pick of the same router.
      if (
        match &&
        !taken.has(match.tensors.logits) &&
        sendsTokens(graph, match)
      ) {
        taken.add(match.tensors.logits);
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
