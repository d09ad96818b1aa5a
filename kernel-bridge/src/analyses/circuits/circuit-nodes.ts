/** Nodes of a circuit that read the stream for others. */
import type { CircuitNode } from '../../base/protocol';
import { rankOf } from '../patching/patch-nodes';
import { branchId } from '../patching/sources';
import type { StreamLayout } from '../patching/stream-layout';
import type { Reader } from './edge-graph';

/** The nodes, each part of a branch that reads the stream as a whole naming the branch. */
export function withReaders(
  { branches }: StreamLayout,
  nodes: readonly CircuitNode[],
  readers: readonly Reader[] = []
): CircuitNode[] {
  const reading = new Set(readers.map(({ node }) => node));
  return nodes.map((node): CircuitNode => {
    const branch = branches.find(
      (own, i) => node.rank === rankOf(i, 1) && reading.has(branchId(own))
    );
    return branch && !reading.has(node.id)
      ? { ...node, within: branchId(branch) }
      : node;
  });
}
