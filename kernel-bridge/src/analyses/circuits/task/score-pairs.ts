/** First-order effects of all nodes and edges in each pair of a task. */
import type { CircuitNode } from '../../../base/protocol';
import type { FirstOrderOptions } from '../../patching/first-order';
import { nodeEffects } from '../../patching/node-effects';
import { targetNode } from '../../patching/patch-nodes';
import type { Source } from '../../patching/sources';
import { withReaders } from '../circuit-nodes';
import { edgeEffects, type EdgeEffect } from '../edge-effects';
import type { Reader } from '../edge-graph';
import { streamRows, type StreamRows } from './stream-rows';
import type { PairRunner } from './run-pairs';
import type { NamedPair } from './split-pairs';

type Edge = Omit<EdgeEffect, 'effect'>;

/** What is considered in every pair. */
export interface TaskGraph {
  /** By rank, without effects. */
  nodes: CircuitNode[];
  sources: Source[];
  /** Empty where nodes alone are considered. */
  edges: Edge[];
  readers: Reader[];
  /** One per pair. */
  scored: ScoredPair[];
}

export interface ScoredPair {
  /** [nodes]; 0 where the target has no gradient. */
  nodes: Float64Array;
  /** [edges] */
  edges: Float64Array;
  rows: StreamRows;
}

/** @param edges whether edges are considered */
export async function scorePairs(
  runner: PairRunner,
  pairs: readonly NamedPair[],
  edges: boolean,
  options: FirstOrderOptions
): Promise<TaskGraph> {
  let graph: TaskGraph | undefined;
  const scored = await runner.each(pairs, async runs => {
    const nodes = await nodeEffects(runs, options);
    const found = edges ? await edgeEffects(runs, options) : undefined;
    graph ??= {
      nodes: [
        ...withReaders(runs.layout, nodes, found?.readers),
        { ...targetNode(runs.layout), effect: null }
      ].map(({ effects: _, ...node }) => node),
      sources: runs.sources,
      edges: (found?.edges ?? []).map(({ source, reader }) => ({
        source,
        reader
      })),
      readers: found?.readers ?? [],
      scored: []
    };
    const own = new Map(nodes.map(({ id, effect }) => [id, effect ?? 0]));
    return {
      nodes: Float64Array.from(graph.nodes, ({ id }) => own.get(id) ?? 0),
      edges: inOrder(found?.edges ?? [], graph.edges, runs.sources.length),
      rows: streamRows(runs)
    };
  });
  return { ...graph!, scored };
}

/** Effects of edges in another order than that of their strength in this pair. */
function inOrder(
  found: readonly EdgeEffect[],
  order: readonly Edge[],
  sources: number
): Float64Array {
  const effects = new Map(
    found.map(({ source, reader, effect }) => [
      reader * sources + source,
      effect
    ])
  );
  return Float64Array.from(
    order,
    ({ source, reader }) => effects.get(reader * sources + source) ?? 0
  );
}
