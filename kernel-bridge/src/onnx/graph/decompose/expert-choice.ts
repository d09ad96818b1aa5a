/** How onnxruntime's MoE operators choose experts: the rule of their CPU kernels, checked against their results. */
import { attributeInt } from '../attributes';
import type { GraphNode } from '../graph';
import type { DecompositionContext } from './decomposition';
import type { ExpertChoice } from './decomposition';

/**
 * Top-k; ties go to the higher index.
 * @param scores [tokens, experts]
 * @returns the selected experts, int64 [tokens, k]
 */
function largest(
  { writer }: DecompositionContext,
  scores: string,
  k: number,
  experts: number
): string {
  // Ties of ONNX's TopK go to the lower index, so it reads the scores in reverse.
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

/** MoE: softmax over all experts, then top-k, renormalised where the node says so. */
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

/** QMoE: top-k of the logits, then softmax over these; with the input `router_weights`, weights are gathered from it. */
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

/** An input, reshaped to [tokens, experts]. */
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
