/** The boundaries of a layer's experts, read from the graph around its router. */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { findBlocks, type Blocks } from '../blocks';
import type { Router } from '../convention';
import type { Expert } from './expert';
import { expertNumber } from './expert-number';
import { fusedExperts, isFused } from './fused-experts';
import { routedRegion, type RoutedRegion } from './routed-region';
import { rolesOf } from './weight-roles';
import { weightUses, type WeightUse } from './weight-use';

/**
 * The weights of each expert that a router chooses from.
 *
 * @param blocks those of the graph, where they are known already
 * @returns `router.experts` experts in order of their index; undefined when the graph's experts are not told apart
 */
export function findExperts(
  graph: Graph,
  router: Router,
  blocks: Blocks = findBlocks(graph)
): Expert[] | undefined {
  const selector = graph.nodes[router.selectors[0].index];
  if (isFused(selector)) {
    return fusedExperts(graph, selector, router.experts);
  }
  const region = routedRegion(graph, blocks, router);
  const uses = region.nodes.flatMap(node =>
    weightUses(graph, node, region.routed)
  );
  return (
    stackedExperts(graph, region, uses, router.experts) ??
    separateExperts(graph, region, uses, router.experts)
  );
}

/** Each weight holds all experts along axis 0. */
function stackedExperts(
  graph: Graph,
  { nodes }: RoutedRegion,
  uses: WeightUse[],
  experts: number
): Expert[] | undefined {
  const stacked = uses.filter(
    ({ kind, dims, slice }) =>
      slice === undefined &&
      dims[0] === experts &&
      (kind === 'product' ? dims.length > 2 : dims.length > 1)
  );
  if (!stacked.some(({ kind }) => kind !== 'bias')) {
    return undefined;
  }
  const roles = rolesOf(graph, stacked, nodes);
  const computing = nodes.map(({ index }) => index);
  return Array.from({ length: experts }, (_, expert) => ({
    expert,
    weights: stacked.map(({ weight }, i) => ({
      ...weight,
      ...(roles[i] ? { role: roles[i] } : {}),
      slice: expert
    })),
    nodes: computing
  }));
}

/** Each expert has products of its own. */
function separateExperts(
  graph: Graph,
  region: RoutedRegion,
  uses: WeightUse[],
  experts: number
): Expert[] | undefined {
  const groups = connected(region, uses);
  // Programs that sort tokens by expert bring all experts together between one product and the next.
  const stages = groups.length / experts;
  if (!Number.isInteger(stages) || stages < 1) {
    return undefined;
  }
  const found = Array.from({ length: experts }, (_, expert): Expert => ({
    expert,
    weights: [],
    nodes: []
  }));
  for (let stage = 0; stage < stages; stage++) {
    const own = groups.slice(stage * experts, (stage + 1) * experts);
    if (new Set(own.map(group => group.uses.length)).size !== 1) {
      return undefined;
    }
    const numbers = own.map(group =>
      expertNumber(graph, region, group.nodes, group.uses, experts)
    );
    const told =
      new Set(numbers).size === experts && !numbers.includes(undefined);
    own.forEach(({ nodes, uses: parts }, order) => {
      // A graph that does not say which expert is which computes them in their order.
      const expert = found[told ? numbers[order]! : order];
      const roles = rolesOf(graph, parts, nodes);
      parts.forEach(({ weight, slice }, i) => {
        const role =
          stages > 1 && stage === stages - 1 && roles[i] !== 'bias'
            ? 'down'
            : roles[i];
        expert.weights.push({
          ...weight,
          ...(role ? { role } : {}),
          ...(slice === undefined ? {} : { slice })
        });
      });
      expert.nodes.push(...nodes.map(({ index }) => index));
    });
  }
  return found;
}

interface Group {
  uses: WeightUse[];
  nodes: GraphNode[];
}

/** Uses that feed one another, from a first product to the last; in graph order. */
function connected({ nodes }: RoutedRegion, uses: WeightUse[]): Group[] {
  const products = new Set(
    uses.filter(({ kind }) => kind === 'product').map(({ node }) => node.index)
  );
  const groupOf = new Map<string, Group>();
  const groups = new Set<Group>();
  for (const node of nodes) {
    const above = new Set(
      node.inputs.flatMap(input => groupOf.get(input) ?? [])
    );
    if (above.size > 1 && !INNER.has(node.op)) {
      // Experts are brought together here.
      continue;
    }
    let group = [...above][0];
    if (!group && products.has(node.index)) {
      group = { uses: [], nodes: [] };
      groups.add(group);
    }
    if (!group) {
      continue;
    }
    for (const other of above) {
      if (other !== group) {
        group.nodes.push(...other.nodes);
        other.nodes.forEach(({ outputs }) =>
          outputs.forEach(output => groupOf.set(output, group))
        );
        groups.delete(other);
      }
    }
    group.nodes.push(node);
    node.outputs.forEach(output => groupOf.set(output, group));
  }
  const byNode = new Map<number, WeightUse[]>();
  uses.forEach(use =>
    byNode.set(use.node.index, [...(byNode.get(use.node.index) ?? []), use])
  );
  return [...groups].map(group => {
    const sorted = group.nodes.sort((a, b) => a.index - b.index);
    return {
      nodes: sorted,
      uses: sorted.flatMap(({ index }) => byNode.get(index) ?? [])
    };
  });
}

/** Where the parts of one gated expert meet. */
const INNER = new Set(['Mul', 'com.microsoft.BiasSplitGelu']);
