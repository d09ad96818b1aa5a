/** Routers in subgraphs that cannot be captured: bodies of Loop and Scan, branches of an If that route differently. */
import { Graph, type GraphNode } from '../onnx/graph/graph';
import type { Blocks } from './blocks';
import { findRouters } from './find-routers';
import { placeOf, type UnknownRouter } from './unknown';

const BODIES = new Set(['If', 'Loop', 'Scan']);

/**
 * @param blocks of the whole graph
 * @param captured the If whose branches are captured, if there is one
 * @returns one report for each other node with routers in its bodies
 */
export function findRoutersInBodies(
  graph: Graph,
  blocks: Blocks,
  captured?: GraphNode
): UnknownRouter[] {
  return graph.nodes
    .filter(node => BODIES.has(node.op) && node !== captured)
    .flatMap(node => {
      const count = node.proto.attribute
        .flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs))
        .reduce((sum, body) => {
          const { routers, unknown } = findRouters(
            new Graph(body, graph.file, graph)
          );
          return sum + routers.length + unknown.length;
        }, 0);
      const { index, name, op } = node;
      return count === 0
        ? []
        : [
            {
              node: { index, name, op },
              ...placeOf(graph, blocks, node),
              why: `${count} ${count === 1 ? 'router is' : 'routers are'} in its body, which cannot be captured: export the model unrolled`
            }
          ];
    });
}
