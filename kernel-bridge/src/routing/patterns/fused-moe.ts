/**
 * onnxruntime's fused `MoE` and `QMoE`. The op does not output its choice, so experts and weights are computed from its
 * input by the op's rule, as measured on onnxruntime's CPU kernels:
 *
 * - MoE: softmax over all experts, the best k, renormalised where `normalize_routing_weights` is set;
 * - QMoE: softmax over the best k, regardless of that attribute;
 * - QMoE with `router_weights`: chosen by `router_probs`, weighted by `router_weights`, renormalised where set.
 *
 * `router_probs` are raw logits in all of them, despite their name. Ties go to the higher index. An exporter of a router
 * that the op does not know lets the graph choose and hands the op what leads it to the same choice.
 */
import type { Graph, GraphNode } from '../../onnx/graph/graph';
import { attributeInt } from '../../onnx/graph/attributes';
import { sameSource } from '../../onnx/graph/no-ops';
import { choiceAbove, maskedScores, type MaskedScores } from '../chosen-before';
import type { Convention, RouterMatch } from '../convention';
import { readOutputFactor } from '../output-factor';
import { lastDim } from '../router-input';
import { readScores } from '../scores';
import { readFactors } from '../weight-factors';
import { selector, type RouterPattern } from './pattern';
import { topK as topKPattern } from './topk';

const ROUTER = 1;
/** Input of QMoE with the weights of the experts that `router_probs` choose. */
const ROUTER_WEIGHTS = 14;

/** The fused op and its attributes. */
interface FusedNode {
  node: GraphNode;
  quantized: boolean;
  experts: number;
  topK: number;
  normalized: boolean;
}

/** What was read of a fused op's inputs. */
interface Reading {
  convention: Convention;
  logits: string;
  logitsAre: 'logits' | 'probabilities';
  /** The order of the steps, as text. */
  steps: string;
  /** A node that chooses before the op does. */
  chooser?: GraphNode;
  /** The chosen scores before any division, [..., k]: what the factor of a token may be computed from. */
  chosen?: string;
}

export const fusedMoE: RouterPattern = {
  anchors: ['com.microsoft.MoE', 'com.microsoft.QMoE'],
  choosers: (graph, node) =>
    [ROUTER, ROUTER_WEIGHTS].flatMap(input =>
      node.inputs[input] ? (choiceAbove(graph, node.inputs[input]) ?? []) : []
    ),
  match(graph, node) {
    const topK = attributeInt(node.proto, 'k') ?? 1;
    const experts = expertCount(graph, node);
    if (
      experts === undefined ||
      topK < 1 ||
      topK > experts ||
      attributeInt(node.proto, 'use_sparse_mixer') === 1
    ) {
      return undefined;
    }
    const fused: FusedNode = {
      node,
      quantized: node.op === 'com.microsoft.QMoE',
      experts,
      topK,
      normalized: attributeInt(node.proto, 'normalize_routing_weights') === 1
    };
    const weights = node.inputs[ROUTER_WEIGHTS];
    const read = weights
      ? readSeparate(graph, fused, weights)
      : (readLogits(graph, fused) ?? readMasked(graph, fused));
    const output = read && readOutputFactor(graph, node, read.chosen);
    if (!read || !output) {
      return undefined;
    }
    const convention: Convention = {
      ...read.convention,
      ...(output.ofSum
        ? // The division by the sum is undone, or done with an epsilon.
          output.epsilon === undefined
          ? { renormalized: false }
          : { epsilon: output.epsilon }
        : {}),
      ...(output.factor === 1 ? {} : { outputScale: output.factor })
    };
    return {
      experts,
      topK,
      convention,
      pattern: [
        `fused ${fused.quantized ? 'QMoE' : 'MoE'}: ${read.steps}`,
        convention.renormalized && 'renormalise',
        convention.scale !== undefined && 'scale',
        convention.outputScale !== undefined && 'scale of the output'
      ]
        .filter(Boolean)
        .join(' > '),
      tensors: {
        logits: read.logits,
        logitsAre: read.logitsAre,
        selected: null,
        weights: null,
        added: output.tensor
      },
      selectors: [node, ...(read.chooser ? [read.chooser] : [])].map(selector)
    } satisfies RouterMatch;
  }
};

/** The last dim of the router input, or the first dim of a weight. */
function expertCount(graph: Graph, node: GraphNode): number | undefined {
  return (
    lastDim(graph, node.inputs[ROUTER]) ??
    graph.weightOf(node.inputs[2] ?? '')?.dims?.[0]
  );
}

/** Reads an op that is given logits, or the logarithm of scores, which it divides by their sum. */
function readLogits(
  graph: Graph,
  { node, quantized, normalized }: FusedNode
): Reading | undefined {
  const router = node.inputs[ROUTER];
  const selection = choiceAbove(graph, router)
    ? undefined
    : readScores(graph, router);
  if (
    !selection ||
    selection.selectionBias ||
    selection.groups ||
    selection.factor !== undefined ||
    selection.logitsAre === 'probabilities'
  ) {
    return undefined;
  }
  const { score, isLog, logits, logitsAre } = selection;
  const ofSigmoid = score === 'sigmoid';
  // The softmax of scores that are no logarithms is no convention, nor are sigmoids over the sum of all.
  if (
    (score !== undefined && !isLog) ||
    (ofSigmoid && !quantized && !normalized)
  ) {
    return undefined;
  }
  return {
    convention: {
      score: score ?? 'softmax',
      scoreBeforeTopK: ofSigmoid || !quantized,
      renormalized: ofSigmoid || (!quantized && normalized),
      tiesToLast: true
    },
    logits,
    logitsAre,
    steps:
      quantized && !ofSigmoid
        ? 'top-k > softmax'
        : `${score ?? 'softmax'} > top-k`
  };
}

/** Reads an op that is given the logarithms of chosen scores, and much less for all other experts. */
function readMasked(graph: Graph, fused: FusedNode): Reading | undefined {
  const masked = maskedScores(graph, fused.node.inputs[ROUTER]);
  // The op divides what it is given by the sum, in any form.
  return masked?.topK === fused.topK
    ? { ...ofMasked(masked), chosen: masked.chosen }
    : undefined;
}

function ofMasked({
  selection,
  score,
  scoreBeforeTopK,
  chooser
}: MaskedScores): Reading {
  const { selectionBias, groups } = selection;
  return {
    convention: {
      score,
      scoreBeforeTopK,
      renormalized: scoreBeforeTopK,
      ...(selectionBias ? { selectionBias } : {}),
      ...(groups ? { groups } : {})
    },
    logits: selection.logits,
    logitsAre: selection.logitsAre,
    steps: choiceSteps(
      scoreBeforeTopK ? score : undefined,
      selection,
      scoreBeforeTopK ? undefined : score
    ),
    chooser
  };
}

function choiceSteps(
  before: string | undefined,
  { selectionBias, groups }: { selectionBias?: unknown; groups?: unknown },
  after?: string
): string {
  return [
    before,
    selectionBias !== undefined && 'bias for choice',
    groups !== undefined && 'groups',
    'top-k',
    after
  ]
    .filter(Boolean)
    .join(' > ');
}

/** Reads a node that chooses by one input and takes its weights from another. */
function readSeparate(
  graph: Graph,
  { node, experts, topK, normalized }: FusedNode,
  weights: string
): Reading | undefined {
  const router = node.inputs[ROUTER];
  const chooser = choiceAbove(graph, router) ?? choiceAbove(graph, weights);
  if (chooser) {
    const match = topKPattern.match(graph, chooser);
    const factors = readFactors(graph, weights, experts);
    const scattered = graph.producer(factors.tensor);
    if (
      match?.topK !== topK ||
      scattered?.op !== 'ScatterElements' ||
      match.tensors.weights === null ||
      !sameSource(graph, scattered.inputs[2], match.tensors.weights[0])
    ) {
      return undefined;
    }
    const { convention, tensors } = match;
    return {
      convention: rescaled(convention, factors.scale, normalized),
      logits: tensors.logits,
      logitsAre: tensors.logitsAre,
      steps: choiceSteps(convention.score, convention),
      chooser
    };
  }
  const selection = readScores(graph, router);
  const factors = readFactors(graph, weights, experts);
  const own = readScores(graph, factors.tensor);
  if (
    !selection ||
    own?.score === undefined ||
    own.isLog ||
    own.selectionBias ||
    own.groups ||
    own.factor !== undefined ||
    !sameSource(graph, own.logits, selection.logits) ||
    (selection.score !== undefined &&
      selection.score !== own.score &&
      (selection.selectionBias ?? selection.groups) !== undefined) ||
    // Conventions scale experts after the division.
    (factors.expertScale && normalized)
  ) {
    return undefined;
  }
  const { selectionBias, groups } = selection;
  return {
    convention: rescaled(
      {
        score: own.score,
        scoreBeforeTopK: true,
        renormalized: false,
        tiesToLast: true,
        ...(selectionBias ? { selectionBias } : {}),
        ...(groups ? { groups } : {}),
        ...(factors.expertScale ? { expertScale: factors.expertScale } : {})
      },
      factors.scale,
      normalized
    ),
    logits: selection.logits,
    logitsAre: selection.logitsAre,
    steps: `${own.score} > top-k`
  };
}

/** The convention of weights that are multiplied and then, where the op does so, divided by their sum. */
function rescaled(
  convention: Convention,
  factor: number,
  normalized: boolean
): Convention {
  const { scale = 1, ...rest } = convention;
  const whole = scale * factor;
  return normalized
    ? // A factor of all weights is in their sum too.
      { ...rest, renormalized: true }
    : { ...rest, ...(whole === 1 ? {} : { scale: whole }) };
}
