/** Errors for nodes without a gradient, naming the node and its layer. */
import { MoEDebuggerError } from '../../base/errors';
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { walk } from '../../onnx/graph/walk';
import { findBlocks } from '../../routing/blocks';
import type { Backward } from './rule';

/** The error for a form of an operator that its rule does not support. */
export function unsupported(
  { node, tape }: Backward,
  why: string
): MoEDebuggerError {
  return noGradient(
    tape.graph,
    node,
    `${node.op} cannot be differentiated here: ${why}`
  );
}

export function noGradient(
  graph: Graph,
  node: GraphNode,
  what: string
): MoEDebuggerError {
  const layer = layerOf(graph, node);
  return new MoEDebuggerError('gradient', what, {
    where: `node ${node.name || node.outputs[0]}${layer === undefined ? '' : `, layer ${layer}`}`,
    hint: 'export the model in plain ONNX operators and floating point, or choose a target before this node'
  });
}

/** The layer of a node: the block of the nearest join downstream. */
function layerOf(graph: Graph, node: GraphNode): number | undefined {
  const blocks = findBlocks(graph);
  const own = blocks.blockOfJoin(node.index);
  if (own) {
    return own.layer;
  }
  for (const { nodes } of walk(graph, node.outputs, {
    direction: 'downstream'
  })) {
    for (const { index } of nodes) {
      const block = blocks.blockOfJoin(index);
      if (block) {
        return block.layer;
      }
    }
  }
  return undefined;
}
