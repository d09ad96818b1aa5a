/** Recognises the softmax or sigmoid of a router by what it computes, however it is spelled. */
import { MAX_EXPERTS } from './convention';
import { attributeInt } from '../onnx/graph/attributes';
import type { Graph, GraphNode } from '../onnx/graph/graph';
import {
  DEQUANTIZES,
  passedOn,
  QUANTIZES,
  sourceOf,
  viewsOf
} from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';
import { lastDim, routerProduct } from './router-input';
import { computedFrom, evaluate, isComputed } from './row-function';

export interface ScoreFunction {
  score: 'softmax' | 'sigmoid';
  /** The function's argument, [..., experts]. */
  logits: string;
  /** The result is the logarithm of the score. */
  isLog: boolean;
}

/** Operators that compute a score, or its logarithm, by themselves. */
const BY_OPERATOR: Partial<
  Record<string, Pick<ScoreFunction, 'score' | 'isLog'>>
> = {
  Softmax: { score: 'softmax', isLog: false },
  LogSoftmax: { score: 'softmax', isLog: true },
  Sigmoid: { score: 'sigmoid', isLog: false }
};

/** The score that a tensor holds; undefined when it is none, or one of something that is no router's product. */
export function scoreFunction(
  graph: Graph,
  tensor: string
): ScoreFunction | undefined {
  const { node, tensor: at } = sourceOf(graph, tensor);
  const quantized = node && quantizedScore(graph, node);
  if (quantized) {
    const { score, logits } = quantized;
    return logits !== undefined && routerProduct(graph, logits)
      ? { score, logits, isLog: false }
      : undefined;
  }
  const own = node && BY_OPERATOR[node.op];
  if (own && node) {
    const [logits] = node.inputs;
    return isOverExperts(graph, node) && routerProduct(graph, logits)
      ? { ...own, logits }
      : undefined;
  }
  return node && ENDS.has(node.op) ? spelled(graph, at) : undefined;
}

/** onnxruntime's scores of quantised tensors, whose results are quantised too. */
const OF_QUANTIZED: Partial<Record<string, ScoreFunction['score']>> = {
  'com.microsoft.QLinearSoftmax': 'softmax',
  'com.microsoft.QLinearSigmoid': 'sigmoid'
};

/** A score of quantised numbers, over the experts. */
export interface QuantizedScore {
  score: ScoreFunction['score'];
  /** The operator of the score. */
  node: GraphNode;
  /** The numbers before they are quantised; undefined where the product computes quantised ones. */
  logits?: string;
}

/** The score that a node dequantises. */
export function quantizedScore(
  graph: Graph,
  dequantize: GraphNode
): QuantizedScore | undefined {
  const { node } = DEQUANTIZES.has(dequantize.op)
    ? sourceOf(graph, dequantize.inputs[0])
    : {};
  const score = node && OF_QUANTIZED[node.op];
  if (!node || !score || !isOverExperts(graph, node)) {
    return undefined;
  }
  const above = sourceOf(graph, node.inputs[0]).node;
  return {
    score,
    node,
    ...(above && QUANTIZES.has(above.op) ? { logits: above.inputs[0] } : {})
  };
}

/** Operators that end a spelled score. Others are not looked at, since most nodes of a graph end none. */
const ENDS = new Set([
  'Div',
  'Mul',
  'Reciprocal',
  'Exp',
  'Log',
  'Pow',
  'Add',
  'Sub',
  'Neg',
  'Where',
  'Clip',
  'Max',
  'Min',
  'Softmax'
]);

/** True for a softmax over the last axis, and for a function of single values. */
export function isOverExperts(graph: Graph, node: GraphNode): boolean {
  if (node.op.endsWith('Sigmoid')) {
    return true;
  }
  const axis = attributeInt(node.proto, 'axis') ?? -1;
  const rank = graph.shape(node.outputs[0])?.length;
  return axis === -1 || (rank === undefined ? axis > 0 : axis === rank - 1);
}

function spelled(graph: Graph, tensor: string): ScoreFunction | undefined {
  const [, ...above] = computedFrom(graph, tensor);
  // From the farthest: a softmax is spelled with logits minus their maximum, and it is also the softmax of the logits.
  for (const logits of above.reverse()) {
    const experts = lastDim(graph, logits);
    if (
      experts === undefined ||
      experts < 2 ||
      experts > MAX_EXPERTS ||
      !routerProduct(graph, logits)
    ) {
      continue;
    }
    const rows = testRows(experts);
    const results = rows.map(row => evaluate(graph, tensor, logits, row));
    for (const score of ['sigmoid', 'softmax'] as const) {
      for (const isLog of [false, true]) {
        const fits = results.every((result, i) => {
          const expected = FUNCTIONS[score](rows[i]);
          return equals(result, isLog ? expected.map(Math.log) : expected);
        });
        if (fits) {
          return { score, isLog, logits: lastView(graph, logits, above) };
        }
      }
    }
  }
  return undefined;
}

/** A score of a tensor, perhaps divided by its sum. */
export interface ScoreBelow {
  score: ScoreFunction['score'];
  renormalized: boolean;
  tensor: string;
}

/**
 * The nearest softmax or sigmoid that is computed from a tensor, [..., size], and from nothing else that varies; or a
 * sigmoid divided by its sum, where one expression makes both (the softmax of the logarithm of a sigmoid).
 */
export function scoreBelow(
  graph: Graph,
  tensor: string,
  size: number
): ScoreBelow | undefined {
  for (const view of viewsOf(graph, tensor)) {
    for (const node of graph.consumers(view)) {
      const own = BY_OPERATOR[node.op];
      if (own && !own.isLog && isOverExperts(graph, node)) {
        return {
          score: own.score,
          renormalized: false,
          tensor: node.outputs[0]
        };
      }
    }
  }
  // A softmax over one is 1, and so is much else.
  const rows = size > 1 && size <= MAX_EXPERTS ? testRows(size) : [];
  for (const { tensor: at, depth } of walk(graph, [tensor], {
    direction: 'downstream',
    maxDepth: MAX_BELOW,
    maxTensors: MAX_BELOW * 4,
    through: node => isComputed(graph, node) && node.outputs.slice(0, 1)
  })) {
    const node = depth > 0 ? graph.producer(at) : undefined;
    const results =
      node && ENDS.has(node.op)
        ? rows.map(row => evaluate(graph, at, tensor, row))
        : [];
    const name = (['sigmoid', 'softmax', 'shares'] as const).find(own =>
      results.every((result, i) => equals(result, FUNCTIONS[own](rows[i])))
    );
    if (results.length > 0 && name) {
      return name === 'shares'
        ? { score: 'sigmoid', renormalized: true, tensor: at }
        : { score: name, renormalized: false, tensor: at };
    }
  }
  return undefined;
}

const MAX_BELOW = 12;

function equals(
  result: Float64Array | undefined,
  expected: Float64Array
): boolean {
  return (
    result?.length === expected.length &&
    result.every((value, i) => close(value, expected[i]))
  );
}

/** Of a tensor and its views on the way, the one that the function reads: after a cast, say, and not before. */
function lastView(
  graph: Graph,
  logits: string,
  way: readonly string[]
): string {
  let last = logits;
  for (;;) {
    const next = graph
      .consumers(last)
      .find(
        node => passedOn(graph, node) === last && way.includes(node.outputs[0])
      );
    if (!next) {
      return last;
    }
    [last] = next.outputs;
  }
}

const FUNCTIONS = {
  sigmoid: (row: Float64Array): Float64Array =>
    row.map(x => 1 / (1 + Math.exp(-x))),
  softmax(row: Float64Array): Float64Array {
    const sum = row.reduce((all, x) => all + Math.exp(x), 0);
    return row.map(x => Math.exp(x) / sum);
  },
  /** Sigmoids divided by their sum. */
  shares(row: Float64Array): Float64Array {
    const scores = FUNCTIONS.sigmoid(row);
    const sum = scores.reduce((all, score) => all + score, 0);
    return scores.map(score => score / sum);
  }
};

/** Constants of the graph are float32, and some graphs add an epsilon. */
function close(value: number, expected: number): boolean {
  return Math.abs(value - expected) <= 1e-5 * Math.abs(expected);
}

/** Fixed rows without symmetry, so that no two functions agree on them by chance. */
function testRows(experts: number): Float64Array[] {
  return [0.37, 1.91].map(seed =>
    Float64Array.from(
      { length: experts },
      (_, e) => 3 * Math.sin(seed + 1.7 * e) + 0.4 * Math.cos(seed * e)
    )
  );
}
