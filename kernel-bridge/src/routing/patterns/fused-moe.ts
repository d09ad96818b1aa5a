/**
 * onnxruntime's fused `MoE` and `QMoE`. The op does not output its choice, so experts and weights are computed from its
 * input by the op's rule, as measured on onnxruntime's CPU kernels:
 *
 * - MoE: softmax over all experts, the best k, renormalised where `normalize_routing_weights` is set;
 * - QMoE: softmax over the best k, regardless of that attribute;
 * - QMoE with `router_weights`: chosen by `router_probs`, weighted by `router_weights`, renormalised where set.
 *
 * `router_probs` are raw logits in all of them, despite their name. Ties go to the higher index.
 */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { attributeInt } from '../../onnx/graph/attributes';
import { sourceOf } from '../../onnx/graph/no-ops';
import type { Convention, RouterMatch } from '../convention';
import { lastDim } from '../router-input';
import { readScores } from '../scores';
import { selector, type RouterPattern } from './pattern';

const ROUTER = 1;
/** Input of QMoE with the weights of the experts that `router_probs` choose. */
const ROUTER_WEIGHTS = 14;

export const fusedMoE: RouterPattern = {
  anchors: ['com.microsoft.MoE', 'com.microsoft.QMoE'],
  match(graph, node) {
    const topK = attributeInt(node.proto, 'k') ?? 1;
    const experts = expertCount(graph, node);
    if (experts === undefined || topK < 1 || topK > experts) {
      return undefined;
    }
    const normalized =
      attributeInt(node.proto, 'normalize_routing_weights') === 1;
    const separate = node.inputs[ROUTER_WEIGHTS];
    if (separate) {
      return separateWeights(graph, node, experts, topK, normalized, separate);
    }
    const quantized = node.op === 'com.microsoft.QMoE';
    return {
      experts,
      topK,
      convention: {
        score: 'softmax',
        scoreBeforeTopK: !quantized,
        renormalized: !quantized && normalized,
        tiesToLast: true
      },
      pattern: quantized
        ? 'fused QMoE: top-k > softmax'
        : `fused MoE: softmax > top-k${normalized ? ' > renormalise' : ''}`,
      tensors: {
        logits: sourceOf(graph, node.inputs[ROUTER]).tensor,
        logitsAre: 'logits',
        selected: null,
        weights: null
      },
      selectors: [selector(node)]
    };
  }
};

/** The last dim of the router input, or the first dim of a weight. */
function expertCount(graph: Graph, node: GraphNode): number | undefined {
  return (
    lastDim(graph, node.inputs[ROUTER]) ??
    graph.weightOf(node.inputs[2] ?? '')?.dims?.[0]
  );
}

/** Reads a node that chooses by biased scores and takes its weights from the scores themselves. */
function separateWeights(
  graph: Graph,
  node: GraphNode,
  experts: number,
  topK: number,
  renormalized: boolean,
  weights: string
): RouterMatch | undefined {
  const selection = readScores(graph, node.inputs[ROUTER]);
  if (
    selection?.score === undefined ||
    sourceOf(graph, weights).tensor !== sourceOf(graph, selection.scores).tensor
  ) {
    return undefined;
  }
  const convention: Convention = {
    score: selection.score,
    scoreBeforeTopK: true,
    renormalized,
    tiesToLast: true,
    ...(selection.selectionBias
      ? { selectionBias: selection.selectionBias }
      : {}),
    ...(selection.groups ? { groups: selection.groups } : {})
  };
  return {
    experts,
    topK,
    convention,
    pattern: `fused QMoE: ${selection.score} > top-k${renormalized ? ' > renormalise' : ''}`,
    tensors: {
      logits: selection.logits,
      logitsAre: selection.logitsAre,
      selected: null,
      weights: null
    },
    selectors: [selector(node)]
  };
}
