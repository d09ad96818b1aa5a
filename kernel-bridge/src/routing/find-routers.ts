/** Finds all routers of a graph by structure, and the transformer blocks that they are in. */
import type { Graph } from '../onnx/graph/graph';
import { elementTypes } from '../onnx/graph/element-types';
import { scanBlock, type ScannedGraph } from './block-scan';
import { findBlocks, type Blocks } from './blocks';
import { MAX_EXPERTS, type Router, type RouterMatch } from './convention';
import { reachesExperts } from './dispatch';
import { logitSteps } from './logit-steps';
import { patterns, type RouterPattern } from './patterns';
import { roundingOf } from './rounding';
import { routerProduct } from './router-input';
import { findUnknownRouters, type UnknownRouter } from './unknown';

export interface FoundRouters {
  /** In graph order. */
  routers: Router[];
  blocks: Blocks;
  /** Selections that look like a router's and match no pattern. */
  unknown: UnknownRouter[];
}

export function findRouters(graph: Graph): FoundRouters {
  const blocks = findBlocks(graph);
  const types = elementTypes(graph);
  // Nodes that are picks of a router already found.
  const taken = new Set<number>();
  const takes = ({ choosers }: RouterPattern): boolean =>
    choosers !== undefined;
  const matches = [
    ...findMatches(graph, blocks, patterns.filter(takes), taken),
    ...findMatches(
      graph,
      blocks,
      patterns.filter(pattern => !takes(pattern)),
      taken
    )
  ]
    .filter(({ experts }) => experts <= MAX_EXPERTS)
    .sort((a, b) => a.selectors[0].index - b.selectors[0].index);
  const products = new Set(
    matches.flatMap(({ tensors }) => {
      const product = routerProduct(graph, tensors.logits);
      return product ? [product.index] : [];
    })
  );
  const scanned = { graph, blocks, products, paths: new Map() };
  const routers: Router[] = [];
  for (const match of matches) {
    const { steps, softcap } = logitSteps(graph, match.tensors.logits);
    routers.push({
      ...place(scanned, match, routers),
      logitSteps: steps,
      ...(softcap === undefined ? {} : { softcap }),
      rounding: roundingOf(graph, types, match)
    });
  }
  nameModules(routers);
  return {
    routers,
    blocks,
    unknown: findUnknownRouters(graph, blocks, taken, products)
  };
}

function findMatches(
  graph: Graph,
  blocks: Blocks,
  among: readonly RouterPattern[],
  taken: Set<number>
): RouterMatch[] {
  const byAnchor = new Map<string, RouterPattern[]>();
  for (const pattern of among) {
    for (const op of pattern.anchors) {
      byAnchor.set(op, [...(byAnchor.get(op) ?? []), pattern]);
    }
  }
  const matches: RouterMatch[] = [];
  for (const node of graph.nodes) {
    for (const pattern of byAnchor.get(node.op) ?? []) {
      const match = taken.has(node.index)
        ? undefined
        : pattern.match(graph, node);
      pattern.choosers?.(graph, node).forEach(({ index }) => taken.add(index));
      if (match && sendsTokens(graph, blocks, match)) {
        match.selectors.forEach(({ index }) => taken.add(index));
        matches.push(match);
        break;
      }
    }
  }
  return matches;
}

function place(
  scanned: ScannedGraph,
  match: RouterMatch,
  before: readonly Router[]
): Router {
  const { blocks } = scanned;
  const { sharedExperts, inAttention, weightsInput, join } = scanBlock(
    scanned,
    match
  );
  const stack = blocks.stackOf(match.tensors.logits);
  const block = join === undefined ? undefined : blocks.blockOfJoin(join);
  return {
    ...match,
    convention: {
      ...match.convention,
      ...(weightsInput ? { weightsInput: true } : {})
    },
    // Without a residual stream to count blocks along, each router is a layer.
    layer:
      block?.layer ?? before.filter(router => router.stack === stack).length,
    ...(stack ? { stack } : {}),
    ...(inAttention ? { module: 'attention' } : {}),
    // Those with a weight of the choice are not beside it.
    sharedExperts: Math.max(sharedExperts, match.convention.sharedScores ?? 0)
  };
}

/** Names the module of MLP routers in blocks that also have a router in attention. */
function nameModules(routers: Router[]): void {
  const place = ({ stack, layer }: Router): string => `${stack} ${layer}`;
  const withAttention = new Set(
    routers.filter(({ module }) => module === 'attention').map(place)
  );
  for (const router of routers) {
    if (withAttention.has(place(router)) && router.module === undefined) {
      router.module = 'mlp';
    }
  }
}

function sendsTokens(
  graph: Graph,
  blocks: Blocks,
  { tensors }: RouterMatch
): boolean {
  return (
    tensors.selected === null ||
    reachesExperts(
      graph,
      [
        ...tensors.selected,
        // Dense weights may be used without the indices of the chosen experts.
        ...(tensors.denseWeights ? [tensors.denseWeights] : [])
      ],
      node => blocks.blockOfJoin(node) !== undefined
    )
  );
}
