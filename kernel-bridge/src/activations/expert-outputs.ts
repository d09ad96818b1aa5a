/**
 * What each chosen expert adds before it is weighted, measured on the graph as it is: an expert that runs alone with
 * weight 1, less what the layer adds when no routed expert runs.
 */
import type { RouterSlots } from '../edits/edit-graph';
import type { Edits } from '../edits/edits';
import { MoEDebuggerError } from '../errors';
import type { ModelParts } from '../model/moe-model';
import type { TokenizedPrompt } from '../model/prompt';
import { layerName, type RoutingLayer } from '../protocol';
import type { Router } from '../routing/convention';
import { recordActivations } from './record-activations';

export interface ExpertOutputs {
  /** The router's place in graph order. */
  router: number;
  topK: number;
  /** Each [tokens, k]: which experts, and by what their outputs are multiplied. */
  selected: Int32Array;
  weights: Float32Array;
  width: number;
  /** [tokens, k, width]; not a number where the expert's weight is 0 and the graph forces none. */
  values: Float32Array;
}

/** A router as one run showed it. */
export interface RoutedRun {
  router: number;
  routing: RoutingLayer;
  /** [tokens, width]: what its layer added to the stream. */
  added: Float32Array;
}

export interface ExpertOutputOptions {
  /** Edits that the run had; those of the router itself have done their work when its choice is known. */
  edits?: Edits;
  signal?: AbortSignal;
  /** Called after each run; there are k + 1, and k for a fused op. */
  onRun?: () => void;
}

/**
 * The outputs of the experts that a router chose.
 * @throws MoEDebuggerError 'model-unsupported' where the graph takes no edit that tells them apart, or mixes what they
 * add with something else before the stream; 'cancelled'
 */
export async function expertOutputs(
  parts: ModelParts,
  prompt: TokenizedPrompt,
  { router, routing, added }: RoutedRun,
  { edits = {}, signal, onRun }: ExpertOutputOptions = {}
): Promise<ExpertOutputs> {
  const own = parts.routers[router];
  const slots = parts.probed.slots[router];
  const { selected, weights, topK } = routing;
  const tokens = selected.length / topK;
  const others = without(edits, own);
  const run = async (more: Edits): Promise<Float32Array> => {
    const target = await parts.probed.resolve(merge(others, more)).run();
    const choice = { outputs: [router] };
    const { outputs } = await recordActivations(
      parts,
      target,
      prompt,
      choice,
      signal
    );
    onRun?.();
    return outputs.get(router)!;
  };
  const width = added.length / tokens;
  // A fused op's output holds the routed experts alone.
  const beside =
    own.tensors.selected === null
      ? new Float32Array(added.length)
      : await run(dropping(own, range(own.experts)));
  const values = new Float32Array(tokens * topK * width);
  for (let slot = 0; slot < topK; slot++) {
    const alone = await run(leaving(own, slots, selected, topK, slot));
    for (let t = 0; t < tokens; t++) {
      const weight = forces(slots) ? 1 : weights[t * topK + slot];
      for (let i = 0; i < width; i++) {
        const at = t * width + i;
        values[(t * topK + slot) * width + i] =
          weight === 0 ? NaN : (alone[at] - beside[at]) / weight;
      }
    }
  }
  const outputs = { router, topK, selected, weights, width, values };
  if (!own.convention.weightsInput) {
    checkSum(own, outputs, beside, added);
  }
  return outputs;
}

function forces({ force, bias, forcedByLogits }: RouterSlots): boolean {
  return 'input' in (forcedByLogits ? bias : force);
}

/** Edits by which every token runs one of its chosen experts alone. */
function leaving(
  router: Router,
  slots: RouterSlots,
  selected: Int32Array,
  topK: number,
  slot: number
): Edits {
  const tokens = range(selected.length / topK);
  const place = placeOf(router);
  if (forces(slots)) {
    return {
      force: tokens.map(t => ({
        ...place,
        expert: selected[t * topK + slot],
        tokens: [t, t + 1]
      }))
    };
  }
  if ('refused' in slots.scale) {
    throw new MoEDebuggerError(
      'model-unsupported',
      `what single experts add cannot be told apart: ${slots.scale.refused}`,
      {
        where: layerName(router),
        hint: 'routing and the residual stream can be looked at'
      }
    );
  }
  return {
    ablate: tokens.flatMap(t => {
      const kept = selected[t * topK + slot];
      return range(topK)
        .map(other => selected[t * topK + other])
        .filter(expert => expert !== kept)
        .map(expert => ({
          ...place,
          expert,
          mode: 'drop' as const,
          tokens: [t, t + 1] as const
        }));
    })
  };
}

function dropping(router: Router, experts: readonly number[]): Edits {
  return {
    ablate: experts.map(expert => ({
      ...placeOf(router),
      expert,
      mode: 'drop' as const
    }))
  };
}

/** Weighted and summed, the parts must make what the layer added. */
function checkSum(
  router: Router,
  { values, weights, topK, width }: ExpertOutputs,
  beside: Float32Array,
  added: Float32Array
): void {
  let largest = 0;
  let difference = 0;
  for (let at = 0; at < added.length; at++) {
    const t = Math.floor(at / width);
    let sum = beside[at];
    for (let slot = 0; slot < topK; slot++) {
      const weight = weights[t * topK + slot];
      sum +=
        weight === 0
          ? 0
          : weight * values[(t * topK + slot) * width + (at % width)];
    }
    largest = Math.max(largest, Math.abs(added[at]));
    difference = Math.max(difference, Math.abs(sum - added[at]));
  }
  if (difference > TOLERANCE * largest) {
    throw new MoEDebuggerError(
      'model-unsupported',
      'what experts add passes through something else before the residual stream',
      {
        where: layerName(router),
        hint: 'routing and the residual stream can be looked at'
      }
    );
  }
}

/** Of the largest value: what half precision loses. */
const TOLERANCE = 2e-2;

/** Edits but those of one router. */
function without(edits: Edits, router: Router): Edits {
  const elsewhere = (place: ReturnType<typeof placeOf>): boolean =>
    place.layer !== router.layer ||
    (place.stack !== undefined && place.stack !== router.stack) ||
    (place.module !== undefined && place.module !== router.module);
  const { ablate, force, topK, bias, scale, steer } = edits;
  return {
    ablate: ablate?.filter(elsewhere),
    force: force?.filter(elsewhere),
    topK: typeof topK === 'number' ? topK : topK?.filter(elsewhere),
    bias: bias?.filter(elsewhere),
    scale: scale?.filter(elsewhere),
    steer
  };
}

function merge(a: Edits, b: Edits): Edits {
  return {
    ...a,
    ablate: [...(a.ablate ?? []), ...(b.ablate ?? [])],
    force: [...(a.force ?? []), ...(b.force ?? [])]
  };
}

function placeOf({ layer, stack, module }: Router): {
  layer: number;
  stack?: Router['stack'];
  module?: string;
} {
  return {
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {})
  };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
