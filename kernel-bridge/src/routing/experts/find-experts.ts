/** Finds the experts of a router, from the graph downstream of its choice. */
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
 * @param blocks of the graph, where they are known already
 * @returns `router.experts` experts by index; undefined when the graph's experts cannot be identified
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

/** Each expert has weight products of its own. */
function separateExperts(
  graph: Graph,
  region: RoutedRegion,
  uses: WeightUse[],
  experts: number
): Expert[] | undefined {
  const groups = connected(region, uses);
  // Models that sort tokens by expert concatenate all experts between one product and the next.
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
    const identified =
      new Set(numbers).size === experts && !numbers.includes(undefined);
    own.forEach(({ nodes, uses: parts }, order) => {
      // Experts that no constant identifies are assumed to be in graph order.
      const expert = found[identified ? numbers[order]! : order];
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

/** Groups of uses that are connected by the data flow from a first product to a last, in graph order. */
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
      // This node combines several experts.
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

/** Operators that combine the gate and up projections of one expert. */
const INNER = new Set(['Mul', 'com.microsoft.BiasSplitGelu']);
