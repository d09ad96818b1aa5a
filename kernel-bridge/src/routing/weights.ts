/** Follows chosen scores downstream to the weights that multiply the experts' outputs. */
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { viewsOf } from './one-hot';
import { sourceOf, TRANSPARENT } from './router-input';

export interface WeightChain {
  /** The tensor of the final weights, shaped as the selection. */
  weights: string;
  /** Score over the chosen k, for routers that choose by logits. */
  score?: 'softmax' | 'sigmoid';
  renormalized: boolean;
  epsilon?: number;
  scale?: number;
  /** [experts] */
  expertScale?: number[];
}

const MAX_STEPS = 24;

/**
 * Follows weights through scoring, renormalisation and scaling.
 * @param indices the chosen experts, at which factors of single experts are gathered
 */
export function readWeights(
  graph: Graph,
  chosen: string,
  indices?: string
): WeightChain {
  const chain: WeightChain = { weights: chosen, renormalized: false };
  for (let step = 0; step < MAX_STEPS; step++) {
    let changed: string | undefined;
    for (const view of viewsOf(graph, chain.weights)) {
      changed ??= readChange(graph, view, chain, indices);
    }
    if (changed === undefined) {
      break;
    }
    chain.weights = changed;
  }
  return chain;
}

/** Records a consumer that changes the weights, and returns its output; undefined when none does. */
function readChange(
  graph: Graph,
  tensor: string,
  chain: WeightChain,
  indices: string | undefined
): string | undefined {
  const consumers = graph.consumers(tensor);
  for (const node of consumers) {
    if (
      (node.op === 'Softmax' || node.op === 'Sigmoid') &&
      chain.score === undefined
    ) {
      chain.score = node.op === 'Softmax' ? 'softmax' : 'sigmoid';
      return node.outputs[0];
    }
  }
  for (const node of consumers) {
    const divisor = divisorOf(graph, node, tensor);
    if (divisor !== undefined && !chain.renormalized) {
      const epsilon = sumOf(graph, divisor, tensor);
      if (epsilon !== undefined) {
        chain.renormalized = true;
        if (epsilon > 0) {
          chain.epsilon = epsilon;
        }
        return node.outputs[0];
      }
    }
  }
  for (const node of consumers) {
    const factor = scaleOf(graph, node, tensor);
    if (factor !== undefined) {
      chain.scale = (chain.scale ?? 1) * factor;
      return node.outputs[0];
    }
    const factors = indices && expertFactors(graph, node, tensor, indices);
    if (factors && chain.expertScale === undefined) {
      chain.expertScale = factors;
      return node.outputs[0];
    }
  }
  return undefined;
}

/** The divisor of `tensor`, in a Div or in a Mul by a Reciprocal. */
function divisorOf(
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
function expertFactors(
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
    samePlace(graph, lookup.inputs[1], indices)
    ? graph.constantValues(lookup.inputs[0])
    : undefined;
}

/** The epsilon (0 for none) when `divisor` is the sum of `tensor`; undefined otherwise. */
function sumOf(
  graph: Graph,
  divisor: string,
  tensor: string
): number | undefined {
  let epsilon = 0;
  let node = graph.producer(divisor);
  for (let step = 0; step < MAX_STEPS && node; step++) {
    if (node.op === 'ReduceSum' || node.op === 'ReduceL1') {
      return samePlace(graph, node.inputs[0], tensor) ? epsilon : undefined;
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
    } else if (TRANSPARENT.has(node.op) || node.op === 'Expand') {
      node = graph.producer(node.inputs[0]);
    } else {
      return undefined;
    }
  }
  return undefined;
}

function samePlace(graph: Graph, a: string, b: string): boolean {
  return sourceOf(graph, a).tensor === sourceOf(graph, b).tensor;
}

function scaleOf(
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
