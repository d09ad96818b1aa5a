/** Names by which nodes are found in a profile: exporters leave some out, and repeat some. */
import type { GraphProto, NodeProto } from '../../onnx/file/schema';

/** The graph with a name of its own for each node of it, and the name of each node of the graph as it was. */
export function nameNodes(graph: GraphProto): {
  graph: GraphProto;
  names: ReadonlyMap<NodeProto, string>;
} {
  const names = new Map<NodeProto, string>();
  const taken = new Set<string>();
  const nodes = (graph.node ?? []).map((node, i) => {
    let name = node.name ?? '';
    if (name === '' || taken.has(name)) {
      name = `moe_debugger_node_${i}`;
    }
    taken.add(name);
    names.set(node, name);
    return name === node.name ? node : { ...node, name };
  });
  return { graph: { ...graph, node: nodes }, names };
}
