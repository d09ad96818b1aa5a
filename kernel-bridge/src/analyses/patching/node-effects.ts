/** Effects of patching nodes: first-order for all, measured for some. */
import { drawn, randomNumbers } from '../../base/statistics/random';
import type {
  CircuitDocument,
  CircuitNode,
  PatchDirection
} from '../../base/protocol';
import { correlation } from './correlation';
import { firstOrderEffects, type FirstOrderOptions } from './first-order';
import { patchNodes, type PatchNode } from './patch-nodes';
import type { PatchRunOptions } from './patch-runs';
import { patchedEffects, type Patch } from './true-effects';
import type { TwoRuns } from './two-runs';

/** By rank, each with its effect at each token. */
export async function nodeEffects(
  runs: TwoRuns,
  options: FirstOrderOptions
): Promise<CircuitNode[]> {
  const nodes = patchNodes(runs);
  const effects = await firstOrderEffects(runs, nodes, options);
  return nodes.map(({ id, kind, layer, index, rank }, i) => {
    const own = effects[i];
    return {
      id,
      kind,
      ...(layer === undefined ? {} : { layer }),
      ...(index === undefined ? {} : { index }),
      rank,
      effect: own ? own.reduce((sum, x) => sum + x, 0) : null,
      ...(own ? { effects: [...own] } : {})
    };
  });
}

/**
 * Patches the nodes of strongest first-order effect, and as many random others: at all tokens, and at single ones.
 * Records the measured effects in the nodes.
 * @param most number of each
 */
export async function measureNodes(
  runs: TwoRuns,
  nodes: readonly CircuitNode[],
  direction: PatchDirection,
  most: number,
  seed: number,
  options: PatchRunOptions & { onPlanned?: (patches: number) => void }
): Promise<CircuitDocument['correlation']> {
  const random = randomNumbers(seed);
  const known = new Map(patchNodes(runs).map(node => [node.id, node]));
  const of = (node: CircuitNode): PatchNode => known.get(node.id)!;
  const whole = chosen(
    nodes.flatMap(node =>
      node.effect === null || !known.has(node.id)
        ? []
        : [{ node, effect: node.effect }]
    ),
    most,
    random
  );
  const cells = chosen(
    nodes.flatMap(node =>
      known.has(node.id)
        ? (node.effects ?? []).flatMap((effect, position) =>
            effect === null ? [] : [{ node, position, effect }]
          )
        : []
    ),
    most,
    random
  );
  const patches: Patch[] = [
    ...whole.map(({ node }) => ({ node: of(node) })),
    ...cells.map(({ node, position }) => ({ node: of(node), position }))
  ];
  options.onPlanned?.(patches.length);
  const measured = await patchedEffects(runs, direction, patches, options);
  whole.forEach(({ node }, i) => (node.patched = measured[i]));
  cells.forEach(({ node, position }, i) => {
    node.patchedAt ??= node.effects!.map(() => null);
    node.patchedAt[position] = measured[whole.length + i];
  });
  return {
    nodes: correlation(whole.map(({ effect }, i) => [effect, measured[i]])),
    cells: correlation(
      cells.map(({ effect }, i) => [effect, measured[whole.length + i]])
    )
  };
}

/** The strongest, and as many random others. */
function chosen<T extends { effect: number }>(
  all: T[],
  most: number,
  random: () => number
): T[] {
  const sorted = all.sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect));
  const others = sorted.slice(most);
  return [
    ...sorted.slice(0, most),
    ...drawn(others, Math.min(most, others.length), random)
  ];
}
