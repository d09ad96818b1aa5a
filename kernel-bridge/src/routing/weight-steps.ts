/** What single nodes do to a router's weights: scale, divide, mask or change them otherwise. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { BOOLEAN_RESULT } from '../onnx/graph/element-types';
import { passedOn, sameSource, sourceOf, viewsOf } from '../onnx/graph/no-ops';
import { constantFill } from './constant-fill';
import { isOverExperts } from './score-function';

/** Nodes between a sum and the division by it. */
const MAX_STEPS = 24;

/** True for a Where with zero, and for a product with a mask. */
export function setsToZero(
  graph: Graph,
  { op, inputs }: GraphNode,
  tensor: string,
  oneHots: ReadonlySet<string>
): boolean {
  if (op === 'Where') {
    const [condition, yes, no] = inputs;
    return (
      !oneHots.has(condition) &&
      ((no === tensor && constantFill(graph, yes) === 0) ||
        (yes === tensor && constantFill(graph, no) === 0))
    );
  }
  if (op !== 'Mul') {
    return false;
  }
  const other = inputs[0] === tensor ? inputs[1] : inputs[0];
  return !oneHots.has(other) && isMask(graph, other);
}

/** True for a tensor of zeros and ones: a comparison, 1 minus one, or a mask among the model's inputs. */
function isMask(graph: Graph, tensor: string): boolean {
  const { node, tensor: at } = sourceOf(graph, tensor);
  if (!node) {
    return graph.inputs.includes(at);
  }
  if (node.op === 'Sub' && graph.constantScalar(node.inputs[0]) === 1) {
    const below = sourceOf(graph, node.inputs[1]).node;
    return below !== undefined && BOOLEAN_RESULT.has(below.op);
  }
  return BOOLEAN_RESULT.has(node.op);
}

/** Operators of one input, and those that take a number beside it, by which weights would become other ones. */
const CHANGES = new Set([
  'Abs',
  'Ceil',
  'Clip',
  'Exp',
  'Floor',
  'HardSigmoid',
  'Log',
  'LogSoftmax',
  'Max',
  'Min',
  'Neg',
  'Pow',
  'Relu',
  'Round',
  'Sigmoid',
  'Softmax',
  'Softplus',
  'Sqrt',
  'Tanh'
]);

/** A node that makes other weights of these, in a way that no convention has. */
export function unknownChange(
  graph: Graph,
  weights: string
): GraphNode | undefined {
  for (const view of viewsOf(graph, weights)) {
    for (const node of graph.consumers(view)) {
      const { op, inputs } = node;
      const beside = inputs.find(input => input !== view);
      if (
        passedOn(graph, node) === undefined &&
        ((CHANGES.has(op) && inputs[0] === view) ||
          (op === 'Div' &&
            inputs[0] === view &&
            !graph.isConstant(inputs[1])) ||
          ((op === 'Add' || op === 'Sub') &&
            beside !== undefined &&
            graph.constantValues(beside) !== undefined))
      ) {
        return node;
      }
    }
  }
  return undefined;
}

/** The softmax of a logarithm, which divides by the sum. */
export function softmaxOfLog(
  graph: Graph,
  { op, outputs }: GraphNode
): string | undefined {
  return op === 'Log'
    ? viewsOf(graph, outputs[0])
        .flatMap(view => graph.consumers(view))
        .find(node => node.op === 'Softmax' && isOverExperts(graph, node))
        ?.outputs[0]
    : undefined;
}

/** The divisor of `tensor`, in a Div or in a Mul by a Reciprocal. */
export function divisorOf(
  graph: Graph,
  node: GraphNode,
  tensor: string
): string | undefined {
  if (node.op === 'Div' && node.inputs[0] === tensor) {
    return node.inputs[1];
  }
  if (node.op === 'Mul') {
    const other = node.inputs[0] === tensor ? node.inputs[1] : node.inputs[0];
    const above = graph.producer(other);
    return above?.op === 'Reciprocal' ? above.inputs[0] : undefined;
  }
  return undefined;
}

/** Constant factors of experts, [experts], that are gathered at the chosen ones. */
export function expertFactors(
  graph: Graph,
  node: GraphNode,
  tensor: string,
  indices: string
): number[] | undefined {
  if (node.op !== 'Mul') {
    return undefined;
  }
  const { node: lookup } = sourceOf(
    graph,
    node.inputs[0] === tensor ? node.inputs[1] : node.inputs[0]
  );
  return lookup &&
    /^Gather(ND|Elements)?$/.test(lookup.op) &&
    sameSource(graph, lookup.inputs[1], indices)
    ? graph.constantValues(lookup.inputs[0])
    : undefined;
}

/** The epsilon (0 for none) when `divisor` is the sum of `tensor`; undefined otherwise. */
export function sumOf(
  graph: Graph,
  divisor: string,
  tensor: string
): number | undefined {
  let epsilon = 0;
  let node = graph.producer(divisor);
  for (let step = 0; step < MAX_STEPS && node; step++) {
    if (node.op === 'ReduceSum' || node.op === 'ReduceL1') {
      return sameSource(graph, node.inputs[0], tensor) ? epsilon : undefined;
    }
    if (node.op === 'Add' || node.op === 'Max' || node.op === 'Clip') {
      const constant: string | undefined = node.inputs.find(
        input => input !== '' && graph.constantScalar(input) !== undefined
      );
      if (constant === undefined) {
        return undefined;
      }
      // Max and Clip change only sums that are almost zero; an addend changes all.
      epsilon += node.op === 'Add' ? graph.constantScalar(constant)! : 0;
      node = graph.producer(node.inputs.find(input => input !== constant)!);
    } else if (node.op === 'Expand' || passedOn(graph, node) !== undefined) {
      node = graph.producer(passedOn(graph, node) ?? node.inputs[0]);
    } else {
      return undefined;
    }
  }
  return undefined;
}

/** The constant factor of a product or a division. */
export function scaleOf(
  graph: Graph,
  node: GraphNode,
  tensor: string
): number | undefined {
  if (node.op === 'Mul') {
    return graph.constantScalar(
      node.inputs[0] === tensor ? node.inputs[1] : node.inputs[0]
    );
  }
  if (node.op === 'Div' && node.inputs[0] === tensor) {
    const divisor = graph.constantScalar(node.inputs[1]);
    return divisor ? 1 / divisor : undefined;
  }
  return undefined;
}
