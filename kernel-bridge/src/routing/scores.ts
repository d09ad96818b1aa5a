/** Reads the scores that a router selects by: softmax or sigmoid of its logits, selection bias, expert groups. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { attributeInt, attributeText } from '../onnx/graph/attributes';
import { walk } from '../onnx/graph/walk';
import type { Groups } from './convention';
import { viewsOf } from './one-hot';
import {
  isWeightProduct,
  lastDim,
  routerProduct,
  sourceOf
} from './router-input';

export interface SelectionScores {
  /** [..., experts] */
  logits: string;
  /** Probabilities where one fused node makes the scores, so that the graph holds no logits. */
  logitsAre: 'logits' | 'probabilities';
  /** The tensor of scores before bias and groups; the logits when they are not scored before the choice. */
  scores: string;
  score?: 'softmax' | 'sigmoid';
  /** The scores are logarithms of probabilities. */
  isLog?: true;
  experts: number;
  selectionBias?: number[];
  groups?: Groups;
}

const SCORES = new Set(['Softmax', 'LogSoftmax', 'Sigmoid']);

/** Reads upstream from the input of a selecting node; undefined when the node is not a router's. */
export function readScores(
  graph: Graph,
  choice: string
): SelectionScores | undefined {
  const found: Pick<SelectionScores, 'selectionBias' | 'groups'> = {};
  let tensor = choice;
  for (;;) {
    const { node, tensor: at } = sourceOf(graph, tensor);
    if (!node) {
      return undefined;
    }
    if (SCORES.has(node.op)) {
      const logits = node.inputs[0];
      const experts = lastDim(graph, logits) ?? lastDim(graph, at);
      return experts !== undefined &&
        isOverExperts(graph, node) &&
        routerProduct(graph, logits)
        ? {
            logits,
            logitsAre: 'logits',
            scores: at,
            score: node.op === 'Sigmoid' ? 'sigmoid' : 'softmax',
            ...(node.op === 'LogSoftmax' ? { isLog: true } : {}),
            experts,
            ...found
          }
        : undefined;
    }
    if (fusedSigmoid(node)) {
      const experts = lastDim(graph, at);
      return experts !== undefined && isWeightProduct(graph, node)
        ? {
            logits: at,
            logitsAre: 'probabilities',
            scores: at,
            score: 'sigmoid',
            experts,
            ...found
          }
        : undefined;
    }
    const limit = readGroupLimit(graph, node);
    if (limit && !found.groups) {
      const { count, selected, score } = limit;
      found.groups = { count, selected, score };
      tensor = limit.scores;
      continue;
    }
    const biased = readBias(graph, node);
    if (biased && !found.selectionBias && scoreAbove(graph, biased.scores)) {
      found.selectionBias = biased.bias;
      tensor = biased.scores;
      continue;
    }
    const experts = lastDim(graph, at);
    return experts !== undefined && routerProduct(graph, at)
      ? { logits: at, logitsAre: 'logits', scores: at, experts, ...found }
      : undefined;
  }
}

function isOverExperts(graph: Graph, node: GraphNode): boolean {
  if (node.op === 'Sigmoid') {
    return true;
  }
  const axis = attributeInt(node.proto, 'axis') ?? -1;
  const rank = graph.shape(node.outputs[0])?.length;
  return axis === -1 || (rank === undefined ? axis > 0 : axis === rank - 1);
}

/** The softmax or sigmoid of all logits, for a choice by the logits themselves, which ranks experts alike. */
export function scoreBelow(
  graph: Graph,
  logits: string
): { score: 'softmax' | 'sigmoid'; tensor: string } | undefined {
  for (const view of viewsOf(graph, sourceOf(graph, logits).tensor)) {
    for (const node of graph.consumers(view)) {
      if (
        (node.op === 'Softmax' || node.op === 'Sigmoid') &&
        isOverExperts(graph, node)
      ) {
        return {
          score: node.op === 'Softmax' ? 'softmax' : 'sigmoid',
          tensor: node.outputs[0]
        };
      }
    }
  }
  return undefined;
}

/** True for a product and its sigmoid in one node, as onnxruntime's optimiser fuses them. */
function fusedSigmoid(node: GraphNode): boolean {
  return (
    node.op === 'com.microsoft.FusedGemm' &&
    attributeText(node.proto, 'activation') === 'Sigmoid'
  );
}

/** Reads an Add of scores and a constant with one value an expert. */
function readBias(
  graph: Graph,
  node: GraphNode
): { scores: string; bias: number[] } | undefined {
  if (node.op !== 'Add') {
    return undefined;
  }
  for (const [scores, constant] of [node.inputs, [...node.inputs].reverse()]) {
    const bias = graph.constantValues(constant);
    if (bias && bias.length > 1) {
      return { scores, bias };
    }
  }
  return undefined;
}

/** True for scores: a bias added to them is a selection bias, one added to logits is part of the logits. */
function scoreAbove(graph: Graph, tensor: string): boolean {
  const { node } = sourceOf(graph, tensor);
  return (
    node !== undefined &&
    (node.op === 'Softmax' || node.op === 'Sigmoid' || fusedSigmoid(node))
  );
}

/** How a router limits its choice to the best groups of experts. */
export interface GroupLimit extends Groups {
  /** [..., experts]: what experts are chosen by, before the limit. */
  scores: string;
  /** Computes the groups' scores. */
  node: GraphNode;
}

/** The group limit upstream of the scores that a node selects by. */
export function groupLimitOf(
  graph: Graph,
  choice: string
): GroupLimit | undefined {
  let tensor = choice;
  for (;;) {
    const { node } = sourceOf(graph, tensor);
    const limit = node && readGroupLimit(graph, node);
    const biased = node && !limit && readBias(graph, node);
    if (!biased) {
      return limit;
    }
    tensor = biased.scores;
  }
}

/** Reads a Where(mask, ...) or Mul(scores, mask) whose mask comes from a TopK over groups. */
function readGroupLimit(graph: Graph, node: GraphNode): GroupLimit | undefined {
  const pairs: [mask: string, scores: string][] =
    node.op === 'Where'
      ? [
          [node.inputs[0], node.inputs[2]],
          [node.inputs[0], node.inputs[1]]
        ]
      : node.op === 'Mul'
        ? [
            [node.inputs[1], node.inputs[0]],
            [node.inputs[0], node.inputs[1]]
          ]
        : [];
  for (const [mask, scores] of pairs) {
    if (graph.isConstant(scores)) {
      continue;
    }
    const groups = readGroups(graph, mask);
    if (groups) {
      return { scores, ...groups };
    }
  }
  return undefined;
}

const MAX_MASK_TENSORS = 80;
const MASK_MAKERS = new Set([
  'Not',
  'Cast',
  'Reshape',
  'Expand',
  'Unsqueeze',
  'ScatterElements',
  'ScatterND',
  'Equal',
  'Greater',
  'OneHot',
  'ReduceSum',
  'ReduceMax',
  'Squeeze',
  'Flatten',
  'Tile',
  'Identity',
  'Transpose'
]);

function readGroups(
  graph: Graph,
  mask: string
): Omit<GroupLimit, 'scores'> | undefined {
  for (const {
    nodes: [node]
  } of walk(graph, [mask], {
    direction: 'upstream',
    maxTensors: MAX_MASK_TENSORS,
    through: ({ op, inputs }) => MASK_MAKERS.has(op) && inputs
  })) {
    if (node?.op === 'TopK') {
      const selected = graph.constantScalar(node.inputs[1]);
      const scored = readGroupScore(graph, node.inputs[0]);
      if (selected !== undefined && scored) {
        return { ...scored, selected };
      }
    }
  }
  return undefined;
}

/** Reads the score of a group: its highest expert score, or the sum of its two highest. */
function readGroupScore(
  graph: Graph,
  tensor: string
): Omit<GroupLimit, 'scores' | 'selected'> | undefined {
  const { node } = sourceOf(graph, tensor);
  if (node?.op !== 'ReduceMax' && node?.op !== 'ReduceSum') {
    return undefined;
  }
  let members = node.inputs[0];
  if (node.op === 'ReduceSum') {
    const best = sourceOf(graph, members).node;
    if (best?.op !== 'TopK' || graph.constantScalar(best.inputs[1]) !== 2) {
      return undefined;
    }
    members = best.inputs[0];
  }
  let split = graph.producer(members);
  while (split?.op === 'Cast' || split?.op === 'Identity') {
    split = graph.producer(split.inputs[0]);
  }
  const count =
    split?.op === 'Reshape'
      ? graph.constantValues(split.inputs[1])?.at(-2)
      : graph.shape(members)?.at(-2);
  return count !== undefined && count > 0
    ? { count, score: node.op === 'ReduceMax' ? 'max' : 'top2-sum', node }
    : undefined;
}
