/** How onnxruntime's MoE operators choose: as their kernels for the CPU do, which was compared with their results. */
import { attributeInt } from '../attributes';
import type { GraphNode } from '../graph';
import type { DecompositionContext } from './decomposition';
import type { ExpertChoice } from './decomposition';

/**
 * The k largest scores, of equal ones the later. `selected` [tokens, k] int64.
 * @param scores [tokens, experts]
 */
function largest(
  { writer }: DecompositionContext,
  scores: string,
  k: number,
  experts: number
): string {
  // TopK prefers the earlier of equal scores, so it is shown them backwards.
  const backwards = writer.op('Slice', [
    scores,
    writer.ints([-1]),
    writer.ints([-experts - 1]),
    writer.ints([1]),
    writer.ints([-1])
  ]);
  const [, places] = writer.many('TopK', [backwards, writer.ints([k])], 2, {
    axis: 1
  });
  return writer.op('Sub', [writer.int(experts - 1), places]);
}

/** MoE: softmax over all experts, the k largest, divided by their sum where the node says so. */
export function chooseByProbability(
  context: DecompositionContext,
  node: GraphNode,
  experts: number
): ExpertChoice {
  const { writer } = context;
  const probabilities = writer.op(
    'Softmax',
    [rows(context, node, 1, experts)],
    {
      axis: 1
    }
  );
  const selected = largest(context, probabilities, topK(node), experts);
  const weights = writer.op('GatherElements', [probabilities, selected], {
    axis: 1
  });
  return {
    selected,
    weights: normalizes(node) ? dividedBySum(context, weights) : weights
  };
}

/** QMoE: the k largest logits and a softmax over these; or, with weights of their own, those at the chosen experts. */
export function chooseByLogit(
  context: DecompositionContext,
  node: GraphNode,
  experts: number
): ExpertChoice {
  const { writer } = context;
  const logits = rows(context, node, 1, experts);
  const selected = largest(context, logits, topK(node), experts);
  const own = node.inputs[ROUTER_WEIGHTS];
  const taken = writer.op(
    'GatherElements',
    [own ? rows(context, node, ROUTER_WEIGHTS, experts) : logits, selected],
    { axis: 1 }
  );
  if (!own) {
    return { selected, weights: writer.op('Softmax', [taken], { axis: 1 }) };
  }
  return {
    selected,
    weights: normalizes(node) ? dividedBySum(context, taken) : taken
  };
}

const ROUTER_WEIGHTS = 14;

/** An input as [tokens, experts]. */
function rows(
  { writer }: DecompositionContext,
  { inputs }: GraphNode,
  input: number,
  experts: number
): string {
  return writer.op('Reshape', [inputs[input], writer.ints([-1, experts])]);
}

function dividedBySum(
  { writer }: DecompositionContext,
  weights: string
): string {
  return writer.op('Div', [
    weights,
    writer.op('ReduceSum', [weights, writer.ints([1])], { keepdims: 1 })
  ]);
}

function topK({ proto }: GraphNode): number {
  return attributeInt(proto, 'k') ?? 1;
}

function normalizes({ proto }: GraphNode): boolean {
  return (attributeInt(proto, 'normalize_routing_weights') ?? 0) === 1;
}
