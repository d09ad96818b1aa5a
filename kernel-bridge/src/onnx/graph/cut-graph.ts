/** A part of a graph as a graph of its own. */
import type { GraphProto, ValueInfoProto } from '../file/schema';
import type { Graph, GraphNode } from './graph';
import { walk } from './walk';

/**
 * What it takes to compute `outputs` when the tensors of `inputs` are given. Inputs of the whole graph that it reads
 * too stay inputs; so do weights, also those of a graph around a body.
 *
 * @param inputs declarations of tensors that are fed instead of being computed, named as in the graph
 * @returns undefined where the outputs do not depend on the inputs
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
