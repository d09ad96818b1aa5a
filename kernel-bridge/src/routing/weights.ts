/** Follows chosen scores downstream to the weights that multiply the experts' outputs. */
import { attributeInt } from '../onnx/graph/attributes';
import type { Graph, GraphNode } from '../onnx/graph/graph';
import { passedOn, viewsOf } from '../onnx/graph/no-ops';
import type { Convention } from './convention';
import { isLastAxis, partsOf } from './parts';
import { lastDim, routerProduct } from './router-input';
import { oneHotsOf } from './one-hot';
import { scoreBelow, scoreFunction } from './score-function';
import {
  divisorOf,
  expertFactors,
  scaleOf,
  setsToZero,
  softmaxOfLog,
  sumOf,
  unknownChange
} from './weight-steps';

export interface WeightChain {
  /** The tensor of the final weights, shaped as the selection. */
  weights: string;
  /** Score over the chosen k, for routers that choose by logits. */
  score?: 'softmax' | 'sigmoid';
  renormalized: boolean;
  /** Some weights were set to zero before the division by their sum. */
  renormalizedKept?: true;
  epsilon?: number;
  scale?: number;
  /** [experts] */
  expertScale?: number[];
  /** Some weights are set to zero: those of a skip class, over capacity, of padding. */
  masked?: true;
  /** Scores of shared experts are in the sum that the weights are divided by. */
  shared?: SharedScores;
  /** A node that changes the weights further, in a way that is not known here. */
  changedBy?: GraphNode;
}

export interface SharedScores {
  /** [..., experts]: their logits, of the router's own product. */
  logits: string;
  experts: number;
}

/** What a chain says of its router's convention. */
export function weightingOf({
  renormalized,
  renormalizedKept,
  epsilon,
  scale,
  expertScale,
  shared
}: WeightChain): Pick<
  Convention,
  | 'renormalized'
  | 'renormalizedKept'
  | 'epsilon'
  | 'scale'
  | 'expertScale'
  | 'sharedScores'
> {
  return {
    renormalized,
    ...(renormalizedKept ? { renormalizedKept } : {}),
    ...(epsilon === undefined ? {} : { epsilon }),
    ...(scale === undefined ? {} : { scale }),
    ...(expertScale === undefined ? {} : { expertScale }),
    ...(shared === undefined ? {} : { sharedScores: shared.experts })
  };
}

export interface WeightOptions {
  /** The chosen experts, at which factors of single experts are gathered. */
  indices?: string;
  /** Weights of one token. */
  size?: number;
  /** The weights start from scores, so that no other score is looked for. */
  scored?: boolean;
  /** What the first tensor is the score times. Default 1. */
  factor?: number;
  /** The router's logits: shared experts that are scored with the chosen have theirs of the same product. */
  logits?: string;
}

const MAX_STEPS = 24;

/** Follows weights through scoring, renormalisation, scaling and masks. */
export function readWeights(
  graph: Graph,
  chosen: string,
  options: WeightOptions = {}
): WeightChain {
  const { factor = 1 } = options;
  const chain: WeightChain = {
    weights: chosen,
    renormalized: false,
    ...(factor === 1 ? {} : { scale: factor })
  };
  // While the chosen are side by side with shared experts: where they are.
  let joined: Joined | undefined;
  for (let step = 0; step < MAX_STEPS; step++) {
    let changed = readChanges(graph, chain.weights, chain, {
      ...options,
      size: joined?.width ?? options.size
    });
    if (changed === undefined && joined) {
      changed = takenApart(graph, chain.weights, joined);
      joined = changed === undefined ? joined : undefined;
    } else if (changed === undefined && !chain.shared) {
      joined = readJoined(graph, chain, options);
      changed = joined?.tensor;
    }
    changed ??= joined ? undefined : readMask(graph, chain, options.indices);
    if (changed === undefined) {
      break;
    }
    chain.weights = changed;
  }
  if (joined) {
    chain.changedBy ??= graph.producer(chain.weights);
  }
  chain.weights = dequantized(graph, chain.weights);
  const changedBy = chain.changedBy ?? unknownChange(graph, chain.weights);
  return changedBy ? { ...chain, changedBy } : chain;
}

/** The chosen side by side with shared experts. */
interface Joined {
  tensor: string;
  width: number;
  from: number;
  to: number;
}

/** Reads a Concat of the chosen and of shared experts, if what follows scores or divides them together. */
function readJoined(
  graph: Graph,
  chain: WeightChain,
  options: WeightOptions
): Joined | undefined {
  const { size = 0, scored = false } = options;
  for (const view of viewsOf(graph, chain.weights)) {
    for (const node of graph.consumers(view)) {
      const { op, inputs, outputs, proto } = node;
      const [tensor] = outputs;
      if (
        op !== 'Concat' ||
        inputs.length !== 2 ||
        !isLastAxis(graph, view, tensor, attributeInt(proto, 'axis') ?? 0)
      ) {
        continue;
      }
      const place = inputs.indexOf(view);
      const other = inputs[1 - place];
      const shared = sharedScores(
        graph,
        other,
        scored || chain.score !== undefined,
        options.logits
      );
      const width = size + (shared?.experts ?? lastDim(graph, other) ?? 0);
      const together = readChanges(
        graph,
        tensor,
        { ...chain },
        { ...options, size: width }
      );
      if (together === undefined) {
        // They only lie side by side.
        continue;
      }
      if (!shared) {
        chain.changedBy = node;
        return undefined;
      }
      chain.shared = shared;
      const from = place === 0 ? 0 : shared.experts;
      return { tensor, width, from, to: from + size };
    }
  }
  return undefined;
}

/** Reads logits, or sigmoids of them, that come of the same product as the router's. */
function sharedScores(
  graph: Graph,
  tensor: string,
  scored: boolean,
  logits: string | undefined
): SharedScores | undefined {
  const scores = scored ? scoreFunction(graph, tensor) : undefined;
  const own = scored
    ? scores?.score === 'sigmoid' && !scores.isLog
      ? scores.logits
      : undefined
    : tensor;
  const experts = own === undefined ? undefined : lastDim(graph, own);
  const product =
    logits === undefined ? undefined : routerProduct(graph, logits);
  return own !== undefined &&
    experts !== undefined &&
    product !== undefined &&
    routerProduct(graph, own) === product
    ? { logits: own, experts }
    : undefined;
}

/** The chosen, where a graph takes them apart from shared experts. */
function takenApart(
  graph: Graph,
  tensor: string,
  { width, from, to }: Joined
): string | undefined {
  return viewsOf(graph, tensor)
    .flatMap(view => graph.consumers(view))
    .flatMap(node => partsOf(graph, node, width) ?? [])
    .find(part => part.from === from && part.to === to)?.tensor;
}

function readChanges(
  graph: Graph,
  tensor: string,
  chain: WeightChain,
  options: WeightOptions
): string | undefined {
  for (const view of viewsOf(graph, tensor)) {
    const changed = readChange(graph, view, chain, options);
    if (changed !== undefined) {
      return changed;
    }
  }
  return undefined;
}

/** Records a consumer that changes the weights, and returns its output; undefined when none does. */
function readChange(
  graph: Graph,
  tensor: string,
  chain: WeightChain,
  { indices, size = 0, scored = false }: WeightOptions
): string | undefined {
  const consumers = graph.consumers(tensor);
  if (!scored && chain.score === undefined) {
    const score = scoreBelow(graph, tensor, size);
    if (score && (chain.scale ?? chain.expertScale) !== undefined) {
      // A temperature of the chosen logits, which no convention has.
      chain.changedBy = graph.producer(score.tensor);
      return undefined;
    }
    if (score) {
      chain.score = score.score;
      chain.renormalized ||= score.renormalized;
      return score.tensor;
    }
  }
  for (const node of consumers) {
    const shares = softmaxOfLog(graph, node);
    const divisor = divisorOf(graph, node, tensor);
    if ((shares ?? divisor) !== undefined && !chain.renormalized) {
      const epsilon = shares === undefined ? sumOf(graph, divisor!, tensor) : 0;
      if (epsilon !== undefined && chain.expertScale) {
        // Conventions scale experts after the division.
        chain.changedBy = node;
        return undefined;
      }
      if (epsilon !== undefined) {
        chain.renormalized = true;
        if (chain.masked) {
          chain.renormalizedKept = true;
        }
        if (epsilon > 0) {
          chain.epsilon = epsilon / (chain.scale ?? 1);
        }
        // The factor is in the sum too.
        delete chain.scale;
        return shares ?? node.outputs[0];
      }
    }
  }
  for (const node of consumers) {
    if (passedOn(graph, node) === tensor) {
      continue;
    }
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

/** The output of the one node that sets some weights to zero. */
function readMask(
  graph: Graph,
  chain: WeightChain,
  indices: string | undefined
): string | undefined {
  const oneHots = new Set(indices ? oneHotsOf(graph, indices) : []);
  const masks = viewsOf(graph, chain.weights).flatMap(view =>
    graph.consumers(view).filter(node => setsToZero(graph, node, view, oneHots))
  );
  // A mask for each expert sends weights to it, and takes nothing from the others.
  if (masks.length !== 1) {
    return undefined;
  }
  chain.masked = true;
  return masks[0].outputs[0];
}

/** The weights after a quantiser's last pair, which is what multiplies the experts. */
function dequantized(graph: Graph, tensor: string): string {
  return (
    viewsOf(graph, tensor)
      .filter(view => graph.producer(view)?.op === 'DequantizeLinear')
      .at(-1) ?? tensor
  );
}
