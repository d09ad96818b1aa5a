/**
 * The one traversal of a graph's edges, for everything that looks upstream or downstream of a tensor. It visits each
 * tensor once, in an order that only the graph decides, and it is iterative: a cycle ends, a diamond costs nothing, and
 * a deep graph cannot overflow the stack.
 *
 * A pass that computes something for every node loops over `Graph.nodes`, which are in topological order.
 */
import type { Graph, GraphNode } from './graph';

/** What a walk needs to know of a graph. */
export type Edges = Pick<Graph, 'producer' | 'consumers' | 'reads'>;

export interface WalkOptions {
  /** Upstream leads from a tensor to what it is computed from, downstream to what is computed from it. */
  direction: 'upstream' | 'downstream';
  /**
   * Where the walk goes on from a node that it reached by `tensor`: to all tensors that the node reads (upstream) or
   * makes (downstream), to some of them, or nowhere. Default to all.
   *
   * An upstream walk goes on from a node once, even if it reaches several of the node's outputs.
   */
  through?(node: GraphNode, tensor: string): boolean | readonly string[];
  /** Breadth visits near tensors first, depth follows each path to its end (preorder). Default 'breadth'. */
  order?: 'breadth' | 'depth';
  /** Largest number of nodes between a start and a visited tensor. Default Infinity. */
  maxDepth?: number;
  /** Largest number of visited tensors. Default Infinity. */
  maxTensors?: number;
}

export interface WalkStep {
  /** The visited tensor. */
  tensor: string;
  /** Upstream: the node that makes the tensor, or none. Downstream: the nodes that read it. */
  nodes: readonly GraphNode[];
  /** Nodes between a start and the tensor, along the path that the walk took. */
  depth: number;
}

/**
 * Visits `starts` and what lies upstream or downstream of them. Lazy: `through` is asked after the caller has seen the
 * step, so a caller that found what it wants just stops.
 */
export function* walk(
  graph: Edges,
  starts: readonly string[],
  {
    direction,
    through = () => true,
    order = 'breadth',
    maxDepth = Infinity,
    maxTensors = Infinity
  }: WalkOptions
): Generator<WalkStep, void, undefined> {
  const upstream = direction === 'upstream';
  const visited = new Set<string>();
  const passed = new Set<GraphNode>();
  const open: { tensor: string; depth: number }[] = [];
  const add = (tensors: readonly string[], depth: number): void => {
    for (let i = 0; i < tensors.length; i++) {
      // A stack returns what was added last, so the first tensor goes in last.
      const tensor = tensors[order === 'depth' ? tensors.length - 1 - i : i];
      if (tensor !== '' && !visited.has(tensor)) {
        open.push({ tensor, depth });
      }
    }
  };
  add(starts, 0);
  for (let head = 0; visited.size < maxTensors;) {
    const next = order === 'depth' ? open.pop() : open[head++];
    if (!next) {
      return;
    }
    const { tensor, depth } = next;
    if (visited.has(tensor)) {
      continue;
    }
    visited.add(tensor);
    const nodes = upstream ? made(graph, tensor) : graph.consumers(tensor);
    yield { tensor, nodes, depth };
    if (depth === maxDepth) {
      continue;
    }
    const onward: string[] = [];
    for (const node of nodes) {
      const ends = !passed.has(node) && through(node, tensor);
      if (ends === false) {
        continue;
      }
      if (upstream || ends === true) {
        passed.add(node);
      }
      const all = upstream ? graph.reads(node) : node.outputs;
      for (const end of ends === true ? all : ends) {
        onward.push(end);
      }
    }
    add(onward, depth + 1);
  }
}

function made(graph: Edges, tensor: string): GraphNode[] {
  const node = graph.producer(tensor);
  return node ? [node] : [];
}

/**
 * The nodes that tensors are computed by, in topological order.
 * @param includes false leaves a node out, and what only that node needs. Default includes all.
 */
export function nodesUpstream(
  graph: Edges,
  tensors: readonly string[],
  includes: (node: GraphNode, tensor: string) => boolean = () => true
): GraphNode[] {
  const found = new Set<GraphNode>();
  for (const { tensor, nodes } of walk(graph, tensors, {
    direction: 'upstream',
    through: includes
  })) {
    nodes
      .filter(node => includes(node, tensor))
      .forEach(node => found.add(node));
  }
  return [...found].sort((a, b) => a.index - b.index);
}
