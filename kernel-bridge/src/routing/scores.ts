/** Reads the scores that a router selects by: softmax or sigmoid of its logits, selection bias, expert groups. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { attributeText } from '../onnx/graph/attributes';
import { passedOn, sourceOf } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';
import { constantFill } from './constant-fill';
import type { Groups } from './convention';
import { isWeightProduct, lastDim, routerProduct } from './router-input';
import {
  quantizedScore,
  scoreFunction,
  type ScoreFunction
} from './score-function';

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
  /** What is chosen from are the scores times this. Default 1. */
  factor?: number;
}

/**
 * Reads upstream from the input of a selecting node.
 * @param smallest the node takes the smallest values, so that the scores are negated above it
 * @returns undefined when the node is not a router's
 */
export function readScores(
  graph: Graph,
  choice: string,
  smallest = false
): SelectionScores | undefined {
  const found: {
    selectionBias?: number[];
    groups?: Omit<Groups, 'fill'>;
  } = {};
  let negated = smallest;
  let factor = 1;
  let factorOfBias = 1;
  /** What experts outside the groups are chosen by, and the factor below it. */
  let fill = -Infinity;
  let factorOfFill = 1;
  let tensor = choice;
  const known = (
    read: Omit<SelectionScores, 'experts'>,
    experts: number | undefined
  ): SelectionScores | undefined => {
    const { selectionBias, groups } = found;
    if (experts === undefined || negated || (read.isLog && selectionBias)) {
      return undefined;
    }
    // The factor between the scores and the bias.
    const below = factor / factorOfBias;
    const least =
      read.score === undefined || read.isLog
        ? -Infinity
        : Math.min(0, ...(selectionBias ?? []).map(value => value / below));
    const outside = fill / (factor / factorOfFill);
    return {
      ...read,
      experts,
      ...(groups
        ? {
            groups: { ...groups, ...(outside > least ? { fill: outside } : {}) }
          }
        : {}),
      ...(selectionBias
        ? { selectionBias: selectionBias.map(value => value / below) }
        : {}),
      ...(factor === 1 ? {} : { factor })
    };
  };
  for (let step = 0; step < MAX_STEPS; step++) {
    const { node, tensor: at } = sourceOf(graph, tensor);
    if (!node) {
      return undefined;
    }
    const scored = scoreFunction(graph, at);
    if (scored) {
      const { score, logits, isLog } = scored;
      return known(
        {
          logits,
          logitsAre: 'logits',
          scores: at,
          score,
          ...(isLog ? { isLog } : {})
        },
        lastDim(graph, logits) ?? lastDim(graph, at)
      );
    }
    const whole = wholeScore(graph, node);
    if (whole !== undefined) {
      return known(
        { logits: at, logitsAre: 'probabilities', scores: at, score: whole },
        lastDim(graph, at)
      );
    }
    const limit = readGroupLimit(graph, node);
    if (limit && !found.groups) {
      const { count, selected, score } = limit;
      found.groups = { count, selected, score };
      // A bias that is added below the limit makes what experts outside are chosen by differ.
      fill = found.selectionBias ? -Infinity : limit.fill;
      factorOfFill = factor;
      tensor = limit.scores;
      continue;
    }
    // A factor or a sign of logits is part of the logits, unless it is what makes the smallest the best.
    const scaled = readFactor(graph, node);
    if (
      scaled &&
      (scoreAbove(graph, scaled.tensor) || (negated && scaled.factor < 0))
    ) {
      factor *= scaled.factor;
      negated = scaled.factor < 0 ? !negated : negated;
      tensor = scaled.tensor;
      continue;
    }
    const biased = readBias(graph, node);
    if (biased && !found.selectionBias && scoreAbove(graph, biased.scores)) {
      found.selectionBias = biased.bias;
      factorOfBias = factor;
      tensor = biased.scores;
      continue;
    }
    return routerProduct(graph, at)
      ? known(
          { logits: at, logitsAre: 'logits', scores: at },
          lastDim(graph, at)
        )
      : undefined;
  }
  return undefined;
}

/** A choice has a few steps: bias, groups, a sign, a factor. */
const MAX_STEPS = 12;

/** Reads a product with one number, or a sign. */
function readFactor(
  graph: Graph,
  { op, inputs }: GraphNode
): { tensor: string; factor: number } | undefined {
  if (op === 'Neg') {
    return { tensor: inputs[0], factor: -1 };
  }
  const scalar = (input: string): number | undefined =>
    graph.constantScalar(input) || undefined;
  if (op === 'Sub') {
    // 0 - x
    return graph.constantScalar(inputs[0]) === 0
      ? { tensor: inputs[1], factor: -1 }
      : undefined;
  }
  if (op === 'Div') {
    const divisor = scalar(inputs[1]);
    return divisor === undefined
      ? undefined
      : { tensor: inputs[0], factor: 1 / divisor };
  }
  if (op !== 'Mul') {
    return undefined;
  }
  const [a, b] = inputs.map(scalar);
  return b !== undefined
    ? { tensor: inputs[0], factor: b }
    : a !== undefined
      ? { tensor: inputs[1], factor: a }
      : undefined;
}

/**
 * The score of a node above which the graph holds no logits: a product and its sigmoid in one node, as onnxruntime's
 * optimiser fuses them, or the score of a quantised product.
 */
function wholeScore(
  graph: Graph,
  node: GraphNode
): ScoreFunction['score'] | undefined {
  if (node.op === 'com.microsoft.FusedGemm') {
    return attributeText(node.proto, 'activation') === 'Sigmoid' &&
      isWeightProduct(graph, node)
      ? 'sigmoid'
      : undefined;
  }
  const quantized = quantizedScore(graph, node);
  return quantized?.logits === undefined &&
    quantized &&
    routerProduct(graph, quantized.node.inputs[0])
    ? quantized.score
    : undefined;
}

/** Reads a sum of scores and a constant with one value an expert. */
function readBias(
  graph: Graph,
  { op, inputs }: GraphNode
): { scores: string; bias: number[] } | undefined {
  if (op !== 'Add' && op !== 'Sub') {
    return undefined;
  }
  const orders = op === 'Sub' ? [inputs] : [inputs, [...inputs].reverse()];
  for (const [scores, constant] of orders) {
    const bias = graph.constantValues(constant);
    if (bias && bias.length > 1) {
      return { scores, bias: op === 'Sub' ? bias.map(value => -value) : bias };
    }
  }
  return undefined;
}

/** True for scores: a bias added to them is a selection bias, one added to logits is part of the logits. */
function scoreAbove(graph: Graph, tensor: string): boolean {
  let name: string | undefined = tensor;
  for (let step = 0; step < MAX_STEPS && name !== undefined; step++) {
    const { node, tensor: at } = sourceOf(graph, name);
    if (!node) {
      return false;
    }
    if (wholeScore(graph, node) !== undefined || scoreFunction(graph, at)) {
      return true;
    }
    name = readFactor(graph, node)?.tensor ?? readBias(graph, node)?.scores;
  }
  return false;
}

/** How a router limits its choice to the best groups of experts. */
export interface GroupLimit extends Groups {
  fill: number;
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
  const [a, b, c] = node.inputs;
  // What replaces the scores outside the groups; a product with a mask makes them zero.
  const readings: [mask: string, scores: string, fill: () => number][] =
    node.op === 'Where'
      ? [
          [a, c, () => fillOf(graph, b)],
          [a, b, () => fillOf(graph, c)]
        ]
      : node.op === 'Mul'
        ? [
            [b, a, () => 0],
            [a, b, () => 0]
          ]
        : [];
  for (const [mask, scores, fill] of readings) {
    // A tensor of one value throughout is what replaces scores.
    if (graph.isConstant(scores) || constantFill(graph, scores) !== undefined) {
      continue;
    }
    const groups = readGroups(graph, mask);
    if (groups) {
      return { scores, fill: fill(), ...groups };
    }
  }
  return undefined;
}

/** At least so far below any score or logit that nothing is chosen by it. */
const NEVER = -1e3;

function fillOf(graph: Graph, tensor: string): number {
  const value = constantFill(graph, tensor) ?? -Infinity;
  return value > NEVER ? value : -Infinity;
}

const MAX_MASK_TENSORS = 80;
const MASK_MAKERS = new Set([
  'Not',
  'Expand',
  'ScatterElements',
  'ScatterND',
  'Equal',
  'Greater',
  'OneHot',
  'ReduceSum',
  'ReduceMax',
  'Tile',
  'Transpose'
]);

function readGroups(
  graph: Graph,
  mask: string
): Omit<GroupLimit, 'scores' | 'fill'> | undefined {
  for (const {
    nodes: [node]
  } of walk(graph, [mask], {
    direction: 'upstream',
    maxTensors: MAX_MASK_TENSORS,
    through: node => {
      const same = passedOn(graph, node);
      return same === undefined
        ? MASK_MAKERS.has(node.op) && node.inputs
        : [same];
    }
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
): Omit<GroupLimit, 'scores' | 'fill' | 'selected'> | undefined {
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
  for (
    let step = 0;
    step < MAX_STEPS && split && split.op !== 'Reshape';
    step++
  ) {
    const above = passedOn(graph, split);
    split = above === undefined ? undefined : graph.producer(above);
  }
  const count =
    split?.op === 'Reshape'
      ? graph.constantValues(split.inputs[1])?.at(-2)
      : graph.shape(members)?.at(-2);
  return count !== undefined && count > 0
    ? { count, score: node.op === 'ReduceMax' ? 'max' : 'top2-sum', node }
    : undefined;
}
