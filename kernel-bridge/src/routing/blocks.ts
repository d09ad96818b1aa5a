/**
 * Assigns nodes to transformer blocks, which are counted along the residual stream. A block begins with a part that
 * mixes tokens (attention, convolution, recurrence) and includes the MLPs up to the next such part; in a stack that
 * never mixes tokens each part is a block.
 */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { walk } from '../onnx/graph/walk';
import type { Stack } from '../base/protocol';
import {
  findResidualStream,
  hasTwoStacks,
  type Join,
  type StreamPlace
} from './residual';

/** A node that adds the output of a part of a block (attention or MLP) to the residual stream. */
export interface BlockJoin {
  node: GraphNode;
  layer: number;
  stack?: Stack;
  /** The added tensor, an input of the node. */
  branch: string;
  /** The branch mixes tokens: attention, a convolution, a recurrence. */
  mixes: boolean;
}

export interface Blocks {
  /** In graph order. */
  joins: readonly BlockJoin[];
  /** The block whose output the node of this index adds to the residual stream; undefined for other nodes. */
  blockOfJoin(node: number): { layer: number; stack?: Stack } | undefined;
  /** Position of a tensor along the stream; undefined for tensors that do not depend on embeddings. */
  place(tensor: string): StreamPlace | undefined;
  /** True when the graph has a residual stream to count blocks along. */
  hasStream: boolean;
  /** True when the output of a node reaches the residual stream, so that the node is part of a block. */
  reachesJoin(node: GraphNode): boolean;
  stackOf(tensor: string): Stack | undefined;
  /** Number of blocks of each stack. */
  counts: { stack?: Stack; blocks: number }[];
}

export function findBlocks(graph: Graph): Blocks {
  const stream = findResidualStream(graph);
  const twoStacks = hasTwoStacks(graph);
  const all: BlockJoin[] = [];
  const byNode = new Map<number, { layer: number; stack?: Stack }>();
  const count = (joins: Join[], stack?: Stack): number => {
    const layers = numberBlocks(joins);
    joins.forEach(({ node, branch, mixes }, i) => {
      const place = { layer: layers[i], ...(stack ? { stack } : {}) };
      byNode.set(node, place);
      all.push({ ...place, node: graph.nodes[node], branch, mixes });
    });
    return layers.length === 0 ? 0 : layers[layers.length - 1] + 1;
  };
  const counts: Blocks['counts'] = twoStacks
    ? [
        { stack: 'encoder', blocks: count(stream.encoder, 'encoder') },
        { stack: 'decoder', blocks: count(stream.decoder, 'decoder') }
      ]
    : [{ blocks: count(stream.encoder) }];
  return {
    counts,
    joins: all.sort((a, b) => a.node.index - b.node.index),
    blockOfJoin: node => byNode.get(node),
    place: stream.place,
    hasStream: byNode.size > 0,
    reachesJoin: node => reachesAny(graph, node, byNode),
    stackOf: tensor =>
      twoStacks
        ? stream.place(tensor)?.decoder
          ? 'decoder'
          : 'encoder'
        : undefined
  };
}

function reachesAny(
  graph: Graph,
  node: GraphNode,
  joins: ReadonlyMap<number, unknown>
): boolean {
  for (const { nodes } of walk(graph, node.outputs, {
    direction: 'downstream',
    order: 'depth',
    through: ({ op }) => !SHAPE_ONLY.has(op)
  })) {
    if (nodes.some(({ index }) => joins.has(index))) {
      return true;
    }
  }
  return false;
}

const SHAPE_ONLY = new Set(['Shape', 'Size']);

/** The first join, in graph order, that is downstream of tensors without another join between. */
export function firstJoin(
  graph: Graph,
  { joins }: Blocks,
  tensors: readonly string[]
): BlockJoin | undefined {
  const byNode = new Map(joins.map(join => [join.node.index, join]));
  let first: BlockJoin | undefined;
  for (const { nodes } of walk(graph, tensors, {
    direction: 'downstream',
    through: ({ index, op }) => !byNode.has(index) && !SHAPE_ONLY.has(op)
  })) {
    for (const { index } of nodes) {
      if (byNode.has(index) && !(first && first.node.index < index)) {
        first = byNode.get(index);
      }
    }
  }
  return first;
}

/** The index of the block of each join of a stack. */
function numberBlocks(joins: readonly Join[]): number[] {
  const mixing = joins.some(({ mixes }) => mixes);
  const layers: number[] = [];
  let layer = -1;
  for (let start = 0; start < joins.length;) {
    const end = endOfGroup(joins, start);
    // A part that mixes tokens begins a block, unless its branch starts inside a group of parallel branches.
    const begins =
      !mixing ||
      layer < 0 ||
      joins
        .slice(start, end)
        .some(({ mixes, from }) => mixes && from === start);
    layer += begins ? 1 : 0;
    for (; start < end; start++) {
      layers.push(layer);
    }
  }
  return layers;
}

/** Joins of parallel branches form a group: no branch depends on all joins of its group. */
function endOfGroup(joins: readonly Join[], start: number): number {
  let end = start + 1;
  for (let i = end; i < joins.length && i < start + MAX_GROUP; i++) {
    if (joins[i].from < end) {
      end = i + 1;
    }
  }
  return end;
}

const MAX_GROUP = 12;
