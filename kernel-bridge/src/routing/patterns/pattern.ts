/** A router pattern: one structure that selects experts, recognised from the node that does the selecting. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { RouterMatch } from '../convention';

export interface RouterPattern {
  /** Operators that select in this pattern; `match` is asked about each such node. */
  anchors: readonly string[];
  /** Undefined when the node is not this pattern's. Names of tensors and nodes carry no meaning here. */
  match(graph: Graph, node: GraphNode): RouterMatch | undefined;
}

/** A node as reports name it. */
export function selector({
  index,
  name,
  op
}: GraphNode): RouterMatch['selectors'][number] {
  return { index, name, op };
}
