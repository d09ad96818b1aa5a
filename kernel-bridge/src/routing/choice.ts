/** The choice of a TopK: its first k results where others are dropped, or a mask made from its smallest value. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { attributeInts } from '../onnx/graph/attributes';
import { walk } from '../onnx/graph/walk';
import { viewsOf } from './one-hot';
import { sourceOf } from './router-input';

export interface Choice {
  k: number;
  /** [..., k] */
  values: string;
  /** [..., k] */
  indices: string;
}

/** @returns undefined when k is neither a constant nor given by a Slice of the indices */
export function readChoice(graph: Graph, topK: GraphNode): Choice | undefined {
  const [values, indices] = topK.outputs;
  const first = firstOf(graph, indices);
  const asked = graph.constantScalar(topK.inputs[1]);
  if (first && (asked === undefined || first.k < asked)) {
    const best = firstOf(graph, values);
    return {
      k: first.k,
      indices: first.tensor,
      values: best?.k === first.k ? best.tensor : values
    };
  }
  return asked === undefined ? undefined : { k: asked, values, indices };
}

/** The Slice of the first k along the last axis, when it is the only consumer. */
function firstOf(
  graph: Graph,
  tensor: string
): { k: number; tensor: string } | undefined {
  const consumers = graph.consumers(tensor).filter(({ op }) => op !== 'Shape');
  const [slice] = consumers;
  if (consumers.length !== 1 || slice.op !== 'Slice') {
    return undefined;
  }
  const [, starts, ends, axes, steps] = slice.inputs;
  const values = (input: string | undefined, name: string) =>
    input ? graph.constantValues(input) : attributeInts(slice.proto, name);
  const [start, end, axis, step] = [
    values(starts, 'starts'),
    values(ends, 'ends'),
    values(axes, 'axes'),
    values(steps, 'steps') ?? [1]
  ];
  const rank = graph.shape(tensor)?.length;
  const last =
    axis?.length === 1 &&
    (axis[0] === -1 ||
      (rank === undefined ? axis[0] > 0 : axis[0] === rank - 1));
  return last && start?.[0] === 0 && step[0] === 1 && end && end[0] > 0
    ? { k: end[0], tensor: slice.outputs[0] }
    : undefined;
}

const COMPARISONS = new Set([
  'Less',
  'LessOrEqual',
  'Greater',
  'GreaterOrEqual'
]);
const THRESHOLD_STEPS = new Set([
  'Slice',
  'Gather',
  'ReduceMin',
  'Unsqueeze',
  'Squeeze',
  'Reshape',
  'Cast',
  'Identity',
  'Expand',
  'Split'
]);
const MAX_STEPS = 6;

/**
 * Finds a mask of the scores that keeps those not below the smallest chosen score.
 * @returns the masked scores, [..., experts]: -Infinity or 0 for experts that are not chosen
 */
export function maskedByThreshold(
  graph: Graph,
  scores: string,
  values: string
): string | undefined {
  const source = sourceOf(graph, scores).tensor;
  const isScores = (tensor: string): boolean =>
    sourceOf(graph, tensor).tensor === source;
  for (const { nodes } of walk(graph, [values], {
    direction: 'downstream',
    maxDepth: MAX_STEPS,
    through: ({ op, inputs }, tensor) =>
      THRESHOLD_STEPS.has(op) && inputs[0] === tensor
  })) {
    const comparison = nodes.find(
      ({ op, inputs }) => COMPARISONS.has(op) && inputs.some(isScores)
    );
    if (comparison) {
      return maskedScores(graph, comparison.outputs[0], isScores);
    }
  }
  return undefined;
}

function maskedScores(
  graph: Graph,
  mask: string,
  isScores: (tensor: string) => boolean
): string | undefined {
  const views = [
    mask,
    ...graph
      .consumers(mask)
      .filter(({ op }) => op === 'Not')
      .flatMap(({ outputs }) => outputs)
  ].flatMap(tensor => viewsOf(graph, tensor));
  for (const view of views) {
    for (const { op, inputs, outputs } of graph.consumers(view)) {
      if ((op === 'Where' || op === 'Mul') && inputs.some(isScores)) {
        return outputs[0];
      }
    }
  }
  return undefined;
}
