/**
 * Layouts of the tensors of an attention. Grouped products may put the heads of a group one after the other along the
 * token axis; in that case the tensor before or after, in which heads and tokens are separate, is used.
 */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import type { TensorFacts } from '../../run/gradients/tensor-facts';
import type { AttentionAxis, AttentionTensor } from './attention';
import { nameAxes, tokenAxis, type Probes } from './axes';
import type { Product } from './product';

/** Sizes of a graph's tensors. */
export interface Sizes {
  graph: Graph;
  facts: TensorFacts;
  probes: Probes;
}

export type Layout = AttentionTensor & { heads: number };

/** @param candidates tensors with the same probabilities, most downstream last; @param keys the key axis of the last */
export function probabilitiesLayout(
  sizes: Sizes,
  candidates: readonly string[],
  keys: number
): Layout | undefined {
  const last = candidates.length - 1;
  for (let at = last; at >= 0; at--) {
    const rank = sizes.facts.rank(candidates[at]);
    const found = withTokens(
      sizes,
      candidates[at],
      'queries',
      // Axes are only permuted where the keys are last.
      [at === last ? keys : rank - 1, 'keys']
    );
    if (found) {
      return found;
    }
  }
  return undefined;
}

/** The output of the product of probabilities and values, or its first reshaped form that separates the heads. */
export function mixedLayout(
  sizes: Sizes,
  product: GraphNode,
  width: number
): Layout | undefined {
  const { graph, facts } = sizes;
  let tensor = product.outputs[0];
  let axis = width;
  for (let step = 0; step < MAX_STEPS; step++) {
    const found = withTokens(sizes, tensor, 'queries', [axis, 'width']);
    if (found) {
      return found;
    }
    const readers = graph.consumers(tensor).filter(({ op }) => op !== 'Shape');
    const next = readers.length === 1 ? readers[0] : undefined;
    if (
      !next ||
      axis !== facts.rank(tensor) - 1 ||
      !keepsLast(facts, next, tensor)
    ) {
      return undefined;
    }
    [tensor] = next.outputs;
    axis = facts.rank(tensor) - 1;
  }
  return undefined;
}

/** Values as the product reads them. @param width the axis that is neither keys nor heads */
export function valueLayout(
  { facts, probes }: Sizes,
  tensor: string,
  keys: number,
  width: number
): Layout | undefined {
  const axes = nameAxes(
    facts.shape(tensor),
    probes,
    new Map([
      [keys, 'keys'],
      [width, 'width']
    ])
  );
  return axes && { tensor, ...axes };
}

/** Queries or keys as the score product reads them, or the tensor before a reshape that separates the heads. */
export function operandLayout(
  sizes: Sizes,
  product: GraphNode,
  form: Product,
  operand: 0 | 1
): Layout | undefined {
  const { graph, facts, probes } = sizes;
  let tensor = product.inputs[operand];
  let width = form.contracted[operand];
  if (operand === 1) {
    const shape = facts.shape(tensor);
    // The result's axis that only the keys have; with a KV cache it may be longer than the tokens.
    const keys = form.becomes[1].findIndex(
      to => to !== undefined && !form.becomes[0].includes(to)
    );
    const axes = nameAxes(
      shape,
      probes,
      new Map<number, AttentionAxis>([
        [keys, 'keys'],
        [width, 'width']
      ])
    );
    return keys < 0 || !axes ? undefined : { tensor, ...axes };
  }
  for (let step = 0; step < MAX_STEPS; step++) {
    const found = withTokens(sizes, tensor, 'queries', [width, 'width']);
    if (found) {
      return found;
    }
    const above = graph.producer(tensor);
    if (
      !above ||
      width !== facts.rank(tensor) - 1 ||
      !keepsLast(facts, above, above.inputs[0])
    ) {
      return undefined;
    }
    [tensor] = above.inputs;
    width = facts.rank(tensor) - 1;
  }
  return undefined;
}

const MAX_STEPS = 4;

/** True for a node that reshapes or permutes a tensor but keeps its last axis. */
function keepsLast(facts: TensorFacts, node: GraphNode, from: string): boolean {
  const [to] = node.outputs;
  const last = facts.has(from) ? facts.fixedAxis(from, -1) : undefined;
  return (
    LAYS_OUT.has(node.op) &&
    node.inputs[0] === from &&
    facts.has(to) &&
    last !== undefined &&
    facts.fixedAxis(to, -1) === last
  );
}

const LAYS_OUT = new Set(['Identity', 'Reshape', 'Squeeze', 'Unsqueeze']);

/** Layout of a tensor with one token axis, one axis that is known, and the rest batch and heads. */
function withTokens(
  { facts, probes }: Sizes,
  tensor: string,
  tokens: AttentionAxis,
  [axis, name]: readonly [number, AttentionAxis]
): Layout | undefined {
  const shape = facts.shape(tensor);
  const over = tokenAxis(shape, probes, [axis]);
  const axes =
    over === undefined
      ? undefined
      : nameAxes(
          shape,
          probes,
          new Map([
            [axis, name],
            [over, tokens]
          ])
        );
  return axes && { tensor, ...axes };
}
