/** The choice of a TopK: its first k results where others are dropped, or a mask made from its smallest value. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { attributeInt, attributeInts } from '../onnx/graph/attributes';
import { walk } from '../onnx/graph/walk';
import { isLastAxis } from './parts';
import { lastDim } from './router-input';
import { handedOn, sameSource, viewsOf } from '../onnx/graph/no-ops';

export interface Choice {
  k: number;
  /** [..., k] */
  values: string;
  /** [..., k] */
  indices: string;
  /** The k smallest values are chosen. */
  smallest: boolean;
}

/** @returns undefined when k is neither a constant nor given by the part of the indices that is read, or the axis is not the last */
export function readChoice(graph: Graph, topK: GraphNode): Choice | undefined {
  const [values, indices] = topK.outputs;
  if (
    !isLastAxis(
      graph,
      topK.inputs[0],
      topK.outputs[0],
      attributeInt(topK.proto, 'axis') ?? -1
    )
  ) {
    return undefined;
  }
  const smallest = attributeInt(topK.proto, 'largest') === 0;
  const asked =
    topK.inputs.length > 1
      ? graph.constantScalar(topK.inputs[1])
      : attributeInt(topK.proto, 'k');
  const part = partOf(graph, indices);
  const best = partOf(graph, values);
  if (part && (asked === undefined || part.k < asked)) {
    // The last of some are not the best nor the worst of all.
    if (
      part.fromEnd &&
      asked !== undefined &&
      asked !== lastDim(graph, topK.inputs[0])
    ) {
      return undefined;
    }
    return {
      k: part.k,
      indices: part.tensor,
      values:
        best?.k === part.k && best.fromEnd === part.fromEnd
          ? best.tensor
          : values,
      smallest: smallest !== part.fromEnd
    };
  }
  return asked === undefined
    ? undefined
    : { k: asked, values, indices, smallest };
}

/** Some results along the last axis, from one end of their order. */
interface Part {
  k: number;
  tensor: string;
  fromEnd: boolean;
}

/** The first or last k results, when nothing else of a tensor is read. */
function partOf(graph: Graph, tensor: string): Part | undefined {
  const consumers = graph.consumers(tensor).filter(({ op }) => op !== 'Shape');
  const [node] = consumers;
  if (consumers.length !== 1) {
    return undefined;
  }
  const axis = attributeInt(node.proto, 'axis');
  switch (node.op) {
    case 'Slice':
      return slicePart(graph, node, tensor);
    case 'Gather': {
      const places = graph.constantValues(node.inputs[1]);
      return places?.every((place, i) => place === i) &&
        isLastAxis(graph, tensor, node.outputs[0], axis ?? 0)
        ? { k: places.length, tensor: node.outputs[0], fromEnd: false }
        : undefined;
    }
    case 'Split': {
      const [k] =
        (node.inputs[1]
          ? graph.constantValues(node.inputs[1])
          : attributeInts(node.proto, 'split')) ?? [];
      return k > 0 &&
        isLastAxis(graph, tensor, node.outputs[0], axis ?? 0) &&
        node.outputs.slice(1).every(name => graph.consumers(name).length === 0)
        ? { k, tensor: node.outputs[0], fromEnd: false }
        : undefined;
    }
    default:
      return undefined;
  }
}

function slicePart(
  graph: Graph,
  slice: GraphNode,
  tensor: string
): Part | undefined {
  const [, starts, ends, axes, steps] = slice.inputs;
  const values = (input: string | undefined, name: string) =>
    input ? graph.constantValues(input) : attributeInts(slice.proto, name);
  const [start, end, axis, step] = [
    values(starts, 'starts')?.[0],
    values(ends, 'ends')?.[0],
    values(axes, 'axes'),
    (values(steps, 'steps') ?? [1])[0]
  ];
  if (
    start === undefined ||
    end === undefined ||
    axis?.length !== 1 ||
    !isLastAxis(graph, tensor, slice.outputs[0], axis[0])
  ) {
    return undefined;
  }
  const [out] = slice.outputs;
  if (step === 1 && start === 0 && end > 0) {
    return { k: end, tensor: out, fromEnd: false };
  }
  if (step === 1 && start < 0 && end >= TO_THE_END) {
    return { k: -start, tensor: out, fromEnd: true };
  }
  // Backwards from the last one.
  return step === -1 && start === -1 && end < -1 && end > -TO_THE_END
    ? { k: -1 - end, tensor: out, fromEnd: true }
    : undefined;
}

/** Slices to the end of an axis write an end at least as large. */
const TO_THE_END = 2 ** 31 - 1;

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
  const isScores = (tensor: string): boolean =>
    sameSource(graph, tensor, scores);
  for (const { nodes } of walk(graph, [values], {
    direction: 'downstream',
    maxDepth: MAX_STEPS,
    through: (node, tensor) =>
      (THRESHOLD_STEPS.has(node.op) && node.inputs[0] === tensor) ||
      handedOn(graph, node, tensor)
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
