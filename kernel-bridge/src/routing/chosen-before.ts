/** Choices that a graph makes before a fused op, and what it hands to the op so that it chooses the same. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { sameSource, sourceOf } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';
import { readChoice, type Choice } from './choice';
import { constantFill } from './constant-fill';
import { isWeightProduct, lastDim } from './router-input';
import { scoreFunction } from './score-function';
import { readScores, type SelectionScores } from './scores';

export interface MaskedScores {
  chooser: GraphNode;
  topK: number;
  selection: SelectionScores;
  /** The score that the op's softmax comes to, over the chosen. */
  score: 'softmax' | 'sigmoid';
  scoreBeforeTopK: boolean;
  /** The chosen scores, [..., k]. */
  chosen?: string;
}

const MAX_TENSORS = 200;

/** The TopK over experts that a tensor depends on, up to the products that the scores come from. */
export function choiceAbove(
  graph: Graph,
  tensor: string
): GraphNode | undefined {
  const chooses = (node: GraphNode): boolean => {
    const choice = node.op === 'TopK' ? readChoice(graph, node) : undefined;
    const selection =
      choice && readScores(graph, node.inputs[0], choice.smallest);
    // Those of groups are part of the choice of experts.
    return (
      selection !== undefined &&
      lastDim(graph, node.inputs[0]) === selection.experts
    );
  };
  for (const {
    nodes: [node]
  } of walk(graph, [tensor], {
    direction: 'upstream',
    maxTensors: MAX_TENSORS,
    through: (above, from) =>
      !graph.isConstant(from) && !isWeightProduct(graph, above)
  })) {
    if (node && chooses(node)) {
      return node;
    }
  }
  return undefined;
}

/** Reads scores of the chosen experts, scattered over a value so low that a softmax makes nothing of it. */
export function maskedScores(
  graph: Graph,
  router: string
): MaskedScores | undefined {
  const { node } = sourceOf(graph, router);
  if (!node) {
    return undefined;
  }
  const chooser = choiceAbove(graph, router);
  const choice = chooser && readChoice(graph, chooser);
  const selection =
    choice && readScores(graph, chooser.inputs[0], choice.smallest);
  if (!chooser || !choice || !selection) {
    return undefined;
  }
  const values = scattered(graph, node, choice) ?? masked(graph, node, choice);
  const read = values
    ? readValues(graph, values, selection, choice)
    : undefined;
  return read ? { chooser, topK: choice.k, selection, ...read } : undefined;
}

/** The values of the chosen, scattered at the choice. */
function scattered(
  graph: Graph,
  { op, inputs }: GraphNode,
  { indices }: Choice
): string | undefined {
  return op === 'ScatterElements' &&
    sameSource(graph, inputs[1], indices) &&
    isLow(graph, inputs[0])
    ? inputs[2]
    : undefined;
}

/** The values of all experts, replaced where a mask that was scattered at the choice is not set. */
function masked(
  graph: Graph,
  { op, inputs }: GraphNode,
  { indices }: Choice
): string | undefined {
  if (op !== 'Where') {
    return undefined;
  }
  const above = sourceOf(graph, inputs[0]).node;
  const inverse = above?.op === 'Not';
  const mask = inverse ? sourceOf(graph, above.inputs[0]).node : above;
  const [chosen, others] = inverse
    ? [inputs[2], inputs[1]]
    : [inputs[1], inputs[2]];
  return mask?.op === 'ScatterElements' &&
    sameSource(graph, mask.inputs[1], indices) &&
    constantFill(graph, mask.inputs[0]) === 0 &&
    constantFill(graph, mask.inputs[2]) === 1 &&
    isLow(graph, others)
    ? chosen
    : undefined;
}

/** At least so far below any logarithm of a score that its exponential is zero. */
const LOW = -1e3;

function isLow(graph: Graph, tensor: string): boolean {
  const value = constantFill(graph, tensor);
  return value !== undefined && value <= LOW;
}

/** Tells what the softmax of the chosen values is. */
function readValues(
  graph: Graph,
  values: string,
  selection: SelectionScores,
  { indices, values: best }: Choice
): Pick<MaskedScores, 'score' | 'scoreBeforeTopK' | 'chosen'> | undefined {
  const { score, scores, logits, selectionBias, groups, factor } = selection;
  const log = sourceOf(graph, values).node;
  // Over all experts, or of the chosen: gathered at them, or the values of the TopK itself.
  const origin = (tensor: string): string | undefined => {
    const { node, tensor: at } = sourceOf(graph, tensor);
    return node?.op === 'GatherElements' &&
      sameSource(graph, node.inputs[1], indices)
      ? sourceOf(graph, node.inputs[0]).tensor
      : at === best && !selectionBias && factor === undefined
        ? sourceOf(graph, scores).tensor
        : at;
  };
  const isScores = (tensor: string): boolean =>
    origin(tensor) === sourceOf(graph, scores).tensor;
  if (log?.op === 'Log') {
    const chosen = aboveZero(graph, log.inputs[0]);
    return score !== undefined && !selection.isLog && isScores(chosen)
      ? { score, scoreBeforeTopK: true, chosen }
      : undefined;
  }
  const at = origin(values)!;
  const logarithm = scoreFunction(graph, at);
  if (logarithm?.isLog && sameSource(graph, logarithm.logits, logits)) {
    return score === undefined || score === logarithm.score
      ? { score: logarithm.score, scoreBeforeTopK: true }
      : undefined;
  }
  return at === sourceOf(graph, logits).tensor &&
    selectionBias === undefined &&
    groups === undefined
    ? { score: 'softmax', scoreBeforeTopK: false }
    : undefined;
}

/** Steps over what keeps a score from zero, so that it has a logarithm. */
function aboveZero(graph: Graph, tensor: string): string {
  const { node, tensor: at } = sourceOf(graph, tensor);
  const bound = node?.inputs
    .slice(1)
    .flatMap(input => graph.constantScalar(input) ?? [])[0];
  return node &&
    ['Clip', 'Max', 'Add'].includes(node.op) &&
    bound !== undefined &&
    bound >= 0 &&
    bound <= TINY
    ? aboveZero(graph, node.inputs[0])
    : at;
}

const TINY = 1e-6;
