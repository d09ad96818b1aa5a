/** Cuts a subgraph out of a graph. */
import type { GraphProto, ValueInfoProto } from '../file/schema';
import type { Graph, GraphNode } from './graph';
import { walk } from './walk';

/**
 * The graph that computes `outputs` from `inputs`. It keeps the model's inputs that it reads, and its initializers,
 * including those of an enclosing graph.
 *
 * @param inputs declarations of tensors that become inputs, named as in the graph
 * @returns undefined when the outputs do not depend on the inputs
 */
export function cutGraph(
  graph: Graph,
  inputs: readonly ValueInfoProto[],
  outputs: readonly ValueInfoProto[]
): GraphProto | undefined {
  const given = new Set(inputs.map(({ name }) => name ?? ''));
  const nodes = new Set<GraphNode>();
  const leaves = new Set<string>();
  const reached = new Set<string>();
  for (const {
    tensor,
    nodes: [node]
  } of walk(
    graph,
    outputs.map(({ name }) => name ?? ''),
    { direction: 'upstream', through: (_, tensor) => !given.has(tensor) }
  )) {
    if (given.has(tensor)) {
      reached.add(tensor);
    } else if (node) {
      nodes.add(node);
    } else {
      leaves.add(tensor);
    }
  }
  if (reached.size === 0) {
    return undefined;
  }
  const stored = [...leaves].flatMap(name => graph.initializer(name) ?? []);
  return {
    ...graph.proto,
    node: [...nodes].sort((a, b) => a.index - b.index).map(node => node.proto),
    initializer: stored,
    input: [
      ...inputs.filter(({ name }) => reached.has(name ?? '')),
      ...graph.root.proto.input.filter(
        ({ name }) =>
          leaves.has(name ?? '') && !graph.root.initializer(name ?? '')
      )
    ],
    output: [...outputs]
  };
}
