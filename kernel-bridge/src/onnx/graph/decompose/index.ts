/** Decomposes fused operators into plain ones, which can be edited, differentiated and inspected. */
import type { GraphProto } from '../../file/schema';
import { elementTypes } from '../element-types';
import { Graph, type GraphNode } from '../graph';
import { NodeWriter } from '../node-writer';
import { attention } from './attention';
import type { Decomposition } from './decomposition';
import type { ExpertChoice } from './decomposition';
import { fusedActivations } from './fused-activations';
import { groupQueryAttention } from './group-query-attention';
import { matMulNBits } from './mat-mul-nbits';
import { moe } from './moe';
import { multiHeadAttention } from './multi-head-attention';
import { skipNorms } from './skip-norms';

export { decomposeMoE } from './moe';
export type { ExpertChoice } from './decomposition';

const DECOMPOSITIONS = new Map(
  [
    attention,
    fusedActivations,
    groupQueryAttention,
    matMulNBits,
    moe,
    multiHeadAttention,
    skipNorms
  ].flatMap(decomposition =>
    decomposition.ops.map((op): [string, Decomposition] => [op, decomposition])
  )
);

const PREFIX = 'moe_debugger/plain/';

export interface PlainGraph {
  graph: GraphProto;
  /** Tensors of the expert choice of each MoE or QMoE node, by the node's output. */
  choices: ReadonlyMap<string, ExpertChoice>;
}

/**
 * Replaces fused operators by plain ones; the outputs keep their names.
 *
 * @param which selects nodes to decompose. Default all that have a decomposition.
 * @throws MoEDebuggerError 'model-unsupported' naming a node in a form that has no decomposition here
 */
export function decomposeFused(
  graph: Graph,
  which: (node: GraphNode) => boolean = () => true
): PlainGraph {
  const choices = new Map<string, ExpertChoice>();
  const fused = new Map(
    graph.nodes.flatMap((node): [GraphNode, Decomposition][] => {
      const decomposition = DECOMPOSITIONS.get(node.op);
      return decomposition && which(node) ? [[node, decomposition]] : [];
    })
  );
  if (fused.size === 0) {
    return { graph: graph.proto, choices };
  }
  const writer = new NodeWriter(PREFIX);
  const types = elementTypes(graph);
  for (const [node, decomposition] of fused) {
    const choice = decomposition.write(node, { graph, writer, types });
    if (choice) {
      choices.set(node.outputs[0], choice);
    }
  }
  const { proto, file } = graph;
  const plain: GraphProto = {
    ...proto,
    node: [
      ...graph.nodes.filter(node => !fused.has(node)).map(node => node.proto),
      ...writer.nodes
    ],
    initializer: [...proto.initializer, ...writer.initializers]
  };
  return {
    choices,
    graph: { ...plain, node: new Graph(plain, file).nodes.map(n => n.proto) }
  };
}
