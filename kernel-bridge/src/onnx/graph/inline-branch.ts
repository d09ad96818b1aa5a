/** Inlines a branch of an If. */
import type { GraphProto } from '../file/schema';
import type { Graph, GraphNode } from './graph';
import { NodeWriter } from './node-writer';

/**
 * @param branch a branch of `node`; its tensors keep their names
 * @param node an If of the outermost graph
 * @returns the outermost graph with the nodes of the branch in place of the If
 */
export function inlineBranch(branch: Graph, node: GraphNode): GraphProto {
  const { proto } = branch.root;
  const own = branch.proto;
  const writer = new NodeWriter('moe_debugger/branch/');
  node.outputs.forEach((output, i) => {
    if (output !== '' && output !== branch.outputs[i]) {
      writer.into([output], 'Identity', [branch.outputs[i]]);
    }
  });
  return {
    ...proto,
    node: [
      ...proto.node.filter(other => other !== node.proto),
      ...own.node,
      ...writer.nodes
    ],
    initializer: [...proto.initializer, ...own.initializer],
    valueInfo: [...proto.valueInfo, ...own.valueInfo]
  };
}
