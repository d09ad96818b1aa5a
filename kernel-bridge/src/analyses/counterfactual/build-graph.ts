/** Builds the causal graph from measured effects. */
import type { EditRecord } from '../../run/edits/edits';
import {
  layerName,
  type RouterIdentity,
  type RoutingLayer,
  type RoutingSample
} from '../../base/protocol';
import type {
  CausalEdge,
  CausalGraph,
  ExpertChanges,
  ExpertNode,
  OutputEffect
} from './causal-graph';
import type { DirectEffect } from './direct-effects';

/** Observations of the two runs. */
export interface Facts {
  sample: RoutingSample;
  edits: readonly EditRecord[];
  /** By router: whether edits act on it. */
  acted: readonly boolean[];
  /** By router: total effects. */
  changes: readonly ExpertChanges[];
  output: OutputEffect;
}

/** Effect of a change of one expert: the change of routing at its tokens, which also changed other experts. */
export interface MeasuredChange {
  router: number;
  expert: number;
  effect: DirectEffect;
}

/** Direct effects, or why they are missing. */
export type Paths =
  | { why: string }
  | {
      ofEdits: DirectEffect;
      changes: readonly MeasuredChange[];
      unmeasured: string[];
    };

export function expertId(
  router: Pick<RouterIdentity, 'layer' | 'stack' | 'module'>,
  expert: number
): string {
  return `${layerName(router)} expert ${expert}`;
}

export function buildGraph(facts: Facts, paths: Paths): CausalGraph {
  const { sample, edits, changes, output } = facts;
  const { layers } = sample;
  const edges: CausalEdge[] = [
    ...changes.flatMap((byExpert, router) =>
      edgesTo('edit', layers[router], byExpert, 'total')
    ),
    { from: 'edit', to: 'output', effect: 'total', kl: output },
    ...('why' in paths ? [] : directEdges(sample, paths))
  ];
  const reached = new Set(edges.flatMap(({ from, to }) => [from, to]));
  return {
    effects: 'why' in paths ? 'total' : 'direct',
    ...('why' in paths ? { why: paths.why } : {}),
    unmeasured: 'why' in paths ? [] : paths.unmeasured,
    nodes: [
      { id: 'edit', kind: 'edit', edits },
      ...layers.flatMap((layer, router) =>
        Array.from({ length: layer.experts }, (_, expert) =>
          expertNode(facts, router, expert)
        ).filter(({ id }) => reached.has(id))
      ),
      { id: 'output', kind: 'output' }
    ],
    edges
  };
}

function expertNode(
  { sample, acted, changes }: Facts,
  router: number,
  expert: number
): ExpertNode {
  const { layer, stack, module } = sample.layers[router];
  const { entered = [], left = [] } = changes[router].get(expert) ?? {};
  return {
    id: expertId(sample.layers[router], expert),
    kind: 'expert',
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {}),
    expert,
    edited: acted[router],
    entered,
    left
  };
}

function directEdges(
  { layers }: RoutingSample,
  { ofEdits, changes }: Exclude<Paths, { why: string }>
): CausalEdge[] {
  const effects = [
    { from: 'edit', router: -1, effect: ofEdits },
    ...changes.map(({ router, expert, effect }) => ({
      from: expertId(layers[router], expert),
      router,
      effect
    }))
  ];
  return effects.flatMap(({ from, router, effect }) => [
    ...effect.experts.flatMap((byExpert, to) =>
      to === router ? [] : edgesTo(from, layers[to], byExpert, 'direct')
    ),
    ...(effect.output.mean === 0
      ? []
      : [{ from, to: 'output', effect: 'direct' as const, kl: effect.output }])
  ]);
}

function edgesTo(
  from: string,
  layer: RoutingLayer,
  changes: ExpertChanges,
  effect: CausalEdge['effect']
): CausalEdge[] {
  return [...changes]
    .sort(([a], [b]) => a - b)
    .map(([expert, { entered, left }]) => ({
      from,
      to: expertId(layer, expert),
      effect,
      entered: [...entered],
      left: [...left]
    }));
}
