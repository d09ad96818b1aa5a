/** How exact a graph's arithmetic is: error bounds of the scores, choices and weights that it computes from logits. */
import { ELEMENT } from '../onnx/file/schema';
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { sourceOf } from '../onnx/graph/no-ops';
import { walk } from '../onnx/graph/walk';
import { MASKED_LOGIT } from './adjustment';
import type { Convention, Rounding, RouterMatch } from './convention';
import type { RoutedToken } from './route';

/** Half the distance between 1 and the next number of a type. */
const UNITS: Record<number, number> = {
  [ELEMENT.float]: 2 ** -24,
  [ELEMENT.float16]: 2 ** -11,
  [ELEMENT.bfloat16]: 2 ** -8
};
/** As ONNX numbers its types. */
const INT8 = 3;
const FLOAT32: Rounding = { unit: 2 ** -24, step: 0 };
/** A choice and its weights take a few dozen nodes. */
const MAX_TENSORS = 400;
/** Roundings of a kernel and of the nodes around it, at most. */
const ROUNDINGS = 8;
/**
 * onnxruntime's sigmoid is a rational function whose error does not shrink with the result: up to this it is wrong, also
 * where the result is 1e-5. (Its exponential, and so its softmax, is exact to a few units of each result.)
 */
const SIGMOID_ERROR = 2 ** -23;
/** Of a weight, also where the arithmetic is exact. */
export const RELATIVE_WEIGHT_ERROR = 2e-3;
/** Smaller weights may be rounded to zero. */
const SMALLEST = 1e-7;
/** A larger error of a weight, as a share of it, leaves nothing to compare. */
const NOTHING_LEFT = 0.5;

/**
 * The coarsest type and quantiser between the logits and the weights of a router.
 * @param types element types by tensor
 */
export function roundingOf(
  graph: Graph,
  types: ReadonlyMap<string, number>,
  { tensors }: Pick<RouterMatch, 'tensors'>
): Rounding {
  const rounding = { ...FLOAT32 };
  const ends = [
    ...(tensors.selected ?? []),
    ...(tensors.weights ?? []),
    ...(tensors.denseWeights ? [tensors.denseWeights] : [])
  ];
  for (const {
    tensor,
    nodes: [node]
  } of walk(graph, ends, {
    direction: 'upstream',
    maxTensors: MAX_TENSORS,
    through: (_, from) => from !== tensors.logits && !graph.isConstant(from)
  })) {
    if (graph.isConstant(tensor)) {
      continue;
    }
    rounding.unit = Math.max(
      rounding.unit,
      UNITS[types.get(tensor) ?? ELEMENT.float] ?? 0
    );
    // Operators of quantised numbers have the scale of their input there too.
    if (
      node &&
      tensor !== tensors.logits &&
      /(^|\.)(DequantizeLinear|QLinear\w+)$/.test(node.op)
    ) {
      const scales = graph.constantValues(node.inputs[1]) ?? [];
      rounding.step = Math.max(rounding.step, ...scales);
    }
    const quantizer = node && sourceOf(graph, node.inputs[0]).node;
    if (
      quantizer &&
      node.op.startsWith('com.microsoft.QLinear') &&
      quantizer.inputs[0] === tensors.logits
    ) {
      rounding.limits = limitsOf(graph, types, node);
    }
  }
  return rounding;
}

/** The numbers that the first input of an operator of quantised numbers can have. */
function limitsOf(
  graph: Graph,
  types: ReadonlyMap<string, number>,
  { inputs: [, scale, zero] }: GraphNode
): Rounding['limits'] {
  const [step] = graph.constantValues(scale) ?? [];
  const [middle] = graph.constantValues(zero) ?? [0];
  const least = types.get(zero) === INT8 ? -128 : 0;
  return step === undefined
    ? undefined
    : [step * (least - middle), step * (least + 255 - middle)];
}

/** The error of one score. */
function scoreError(
  value: number,
  score: Convention['score'],
  { unit, step }: Rounding
): number {
  return (
    ROUNDINGS * unit * value +
    (score === 'sigmoid' ? SIGMOID_ERROR : SMALLEST) +
    step
  );
}

/** How much two experts may differ in what is chosen from, and still be chosen in either order. */
export function choiceError(
  choice: Float32Array,
  scores: Float32Array,
  { score, scoreBeforeTopK }: Convention,
  rounding: Rounding = FLOAT32
): Float32Array {
  // A masked expert is out of reach, and its logit is no measure of the others.
  const inReach = (value: number): boolean =>
    Number.isFinite(value) && Math.abs(value) < Math.abs(MASKED_LOGIT / 2);
  const largest = choice.reduce(
    (most, value) => (inReach(value) ? Math.max(most, Math.abs(value)) : most),
    0
  );
  return scores.map(value =>
    !inReach(value)
      ? 0
      : 2 * ROUNDINGS * rounding.unit * largest +
        (scoreBeforeTopK
          ? 2 * scoreError(value, score, rounding) + NEAR_TIE * value
          : NEAR_TIE * Math.max(1, Math.abs(value)))
  );
}

/** Other kernels and fusions compute logits in another order. */
const NEAR_TIE = 1e-3;

/** [topK]: how far the weights of a graph may be from those of exact arithmetic. */
export function weightError(
  { experts, weights, scores }: RoutedToken,
  convention: Convention,
  rounding: Rounding = FLOAT32
): Float32Array {
  const {
    score,
    renormalized,
    epsilon = 0,
    scale = 1,
    outputScale = 1,
    expertScale
  } = convention;
  const errors = scores.map(value => scoreError(value, score, rounding));
  const total = errors.reduce((a, b) => a + b, 0);
  const sum = scores.reduce((a, b) => a + b, 0) + epsilon;
  return weights.map((weight, slot) => {
    const factor = Math.abs(
      scale * outputScale * (expertScale?.[experts[slot]] ?? 1)
    );
    const propagated = convention.equalWeights
      ? 0
      : renormalized
        ? (errors[slot] + (scores[slot] / sum) * total) /
          Math.max(sum - total, sum * (1 - NOTHING_LEFT))
        : errors[slot];
    return (
      Math.max(RELATIVE_WEIGHT_ERROR, ROUNDINGS * rounding.unit) *
        Math.abs(weight) +
      factor * (propagated + SMALLEST) +
      rounding.step
    );
  });
}
