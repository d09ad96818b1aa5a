/** Routing of one token at one layer, with the field names of the projects that this one grew from. */
import { probabilities } from '../../base/charts/measure';
import { entropy } from '../../base/statistics/entropy';
import {
  tokensOf,
  type Phase,
  type RoutingLayer,
  type RoutingSample,
  type RunStep,
  type Stack
} from '../../base/protocol';

export interface RoutingEvent {
  /** When the routing was known, in milliseconds since the epoch; for a trace from a file, when that was made. */
  timestamp: number;
  /** Whether the token was run with the prompt or by itself; absent for a trace from a file. */
  phase?: Phase;
  /** Milliseconds that the token's step took, all layers together. */
  stepTime?: number;
  sessionId: string;
  layerIdx: number;
  /** Where the layer's number alone does not tell which router it is. */
  stack?: Stack;
  module?: string;
  tokenPosition: number;
  tokenText: string;
  /** Multipliers of the selected experts, in the same order; empty if not recorded. */
  expertWeights: number[];
  selectedExperts: number[];
  /** 1 - H / ln E over the router's distribution: 1 is certain, 0 is uniform. */
  routingConfidence: number;
}

/** What the events of a sample need beside its routing. */
export interface EventContext {
  sessionId: string;
  /** The steps in which the sample was run; undefined for a trace from a file. */
  steps?: readonly RunStep[];
  /** Milliseconds since the epoch, for events without a step. */
  created: number;
}

/** One event per token and layer, in the order of layers and tokens. */
export function* eventsOf(
  sample: RoutingSample,
  context: EventContext
): Generator<RoutingEvent, void, undefined> {
  for (const layer of sample.layers) {
    yield* layerEvents(sample, layer, context);
  }
}

/** The newest events of samples, in their order, without making the others. */
export function newestEvents(
  samples: readonly RoutingSample[],
  most: number,
  contextOf: (sample: RoutingSample) => EventContext
): RoutingEvent[] {
  const parts: RoutingEvent[][] = [];
  let left = most;
  for (const sample of [...samples].reverse()) {
    const context = contextOf(sample);
    for (const layer of [...sample.layers].reverse()) {
      const count = tokensOf(sample, layer).length;
      const from = Math.max(0, count - left);
      parts.push([...layerEvents(sample, layer, context, from)]);
      left -= count - from;
      if (left <= 0) {
        return parts.reverse().flat();
      }
    }
  }
  return parts.reverse().flat();
}

/** @param from the first token of interest */
function* layerEvents(
  sample: RoutingSample,
  layer: RoutingLayer,
  { sessionId, steps = [], created }: EventContext,
  from = 0
): Generator<RoutingEvent, void, undefined> {
  const tokens = tokensOf(sample, layer);
  const stepOf = layer.stack === 'encoder' ? undefined : stepByToken(steps);
  for (let t = from; t < tokens.length; t++) {
    // An encoder runs with the prompt.
    const step = stepOf ? stepOf[t] : steps.at(0);
    const slots = [t * layer.topK, (t + 1) * layer.topK] as const;
    yield {
      timestamp: step?.timestamp ?? created,
      ...(step ? { phase: step.phase, stepTime: step.milliseconds } : {}),
      sessionId,
      layerIdx: layer.layer,
      ...(layer.stack ? { stack: layer.stack } : {}),
      ...(layer.module ? { module: layer.module } : {}),
      tokenPosition: tokens[t].position,
      tokenText: tokens[t].text ?? '',
      expertWeights: Array.from(layer.weights.subarray(...slots)),
      selectedExperts: Array.from(layer.selected.subarray(...slots)),
      routingConfidence: confidence(layer, t)
    };
  }
}

function stepByToken(steps: readonly RunStep[]): RunStep[] {
  return steps.flatMap(step =>
    Array.from({ length: step.captured }, () => step)
  );
}

/** 1 - H / ln E of one token; sigmoid scores are normalised to a distribution first. NaN without logits. */
export function confidence(layer: RoutingLayer, token: number): number {
  const { experts, logits } = layer;
  if (logits.length === 0) {
    return NaN;
  }
  const p = probabilities({
    ...layer,
    logits: logits.subarray(token * experts, (token + 1) * experts)
  });
  return 1 - entropy(p) / Math.log(experts);
}
