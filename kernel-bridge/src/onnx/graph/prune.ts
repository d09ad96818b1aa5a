/** Removes what the outputs of a graph do not need. */
import type { GraphProto } from '../file/schema';
import type { Graph } from './graph';
import { walk } from './walk';

/**
 * @param keep names of tensors that become the outputs, in this order
 * @returns the graph with only the nodes, initializers and inputs that they are computed from
 */
export function pruneGraph(graph: Graph, keep: readonly string[]): GraphProto {
  const needed = new Set<string>();
  for (const { tensor } of walk(graph, keep, { direction: 'upstream' })) {
    needed.add(tensor);
  }
  const nodes = graph.nodes.filter(node =>
    node.outputs.some(output => needed.has(output))
  );
  const { proto } = graph;
  const declared = new Map(proto.output.map(info => [info.name, info]));
  return {
    ...proto,
    node: nodes.map(node => node.proto),
    initializer: proto.initializer.filter(({ name }) => needed.has(name ?? '')),
    input: proto.input.filter(({ name }) => needed.has(name ?? '')),
    output: keep.map(name => declared.get(name) ?? { name }),
    valueInfo: []
  };
}
