/** A router pattern recognises one structure by which graphs select experts, starting at the selecting node. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { RouterMatch } from '../convention';

export interface RouterPattern {
  /** Selecting operators of this pattern; `match` is called for each such node. */
  anchors: readonly string[];
  /**
   * Nodes that choose for such a node, so that they are no routers of their own, whether it matches or not. A pattern that
   * has some is asked before others.
   */
  choosers?(graph: Graph, node: GraphNode): GraphNode[];
  /** @returns undefined when the structure does not match. Names of tensors and nodes carry no meaning. */
  match(graph: Graph, node: GraphNode): RouterMatch | undefined;
}

/** The identity of a node, for reports. */
export function selector({
  index,
  name,
  op
}: GraphNode): RouterMatch['selectors'][number] {
  return { index, name, op };
}
