/**
 * Unweighted outputs of the chosen experts. Each is measured in the graph: the layer's output when the expert runs alone
 * with weight 1, minus the layer's output when all routed experts are ablated.
 */
import { probedSession } from '../edits/edited-sessions';
import type { RouterSlots } from '../edits/slots';
import type { Edits } from '../edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel } from '../model/loaded-model';
import type { TokenizedPrompt } from '../model/prompt';
import { layerName, type RoutingLayer } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import { recordActivations } from './record-activations';

export interface ExpertOutputs {
  /** Index of the router in graph order. */
  router: number;
  topK: number;
  /** [tokens, k]: chosen experts and their weights. */
  selected: Int32Array;
  weights: Float32Array;
  width: number;
  /** [tokens, k, width]; NaN where the expert's weight is 0 and the graph takes no `force`. */
  values: Float32Array;
}

/** What one run recorded of a router. */
export interface RoutedRun {
  router: number;
  routing: RoutingLayer;
  /** [tokens, width]: what the layer added to the residual stream. */
  added: Float32Array;
}

export interface ExpertOutputOptions {
  /** Edits of that run. Those of the router itself are not repeated: the recorded choice includes them. */
  edits?: Edits;
  signal?: AbortSignal;
  /** Called after each run. There are k + 1 runs, or k for a fused op. */
  onRun?: () => void;
}

/** The same routing with all experts of each token; those that it did not choose have weight 0. */
export function withEveryExpert(layer: RoutingLayer): RoutingLayer {
  const { experts, topK, selected, weights } = layer;
  const tokens = selected.length / topK;
  const dense = new Float32Array(tokens * experts);
  selected.forEach((expert, slot) => {
    if (expert >= 0) {
      dense[Math.floor(slot / topK) * experts + expert] += weights[slot];
    }
  });
  return {
    ...layer,
    topK: experts,
    selected: Int32Array.from(
      { length: tokens * experts },
      (_, at) => at % experts
    ),
    weights: dense
  };
}

/** Runs a prompt with single experts of one router. */
class LoneExperts {
  private readonly _router: Router;
  private readonly _slots: RouterSlots;
  private readonly _others: Edits;

  constructor(
    private readonly _model: LoadedModel,
    private readonly _prompt: TokenizedPrompt,
    private readonly _seen: RoutedRun,
    private readonly _options: ExpertOutputOptions
  ) {
    this._router = _model.routers[_seen.router];
    this._slots = probedSession(_model).slots[_seen.router];
    this._others = without(_options.edits ?? {}, this._router);
  }

  /** [tokens, width]: the layer's output with all routed experts ablated. */
  async beside(): Promise<Float32Array> {
    // The output of a fused op is the routed experts' only.
    return this._router.tensors.selected === null
      ? new Float32Array(this._seen.added.length)
      : this._run(dropping(this._router, range(this._router.experts)));
  }

  /**
   * [tokens, width]: the unweighted output of one chosen expert a token; NaN for tokens without one.
   * @param slotOf which of a token's k experts; undefined to skip the token
   */
  async outputs(
    beside: Float32Array,
    slotOf: (token: number) => number | undefined
  ): Promise<Float32Array> {
    const { selected, weights, topK } = this._seen.routing;
    const tokens = selected.length / topK;
    const width = this._seen.added.length / tokens;
    const forced = forces(this._slots);
    const alone = await this._run(
      leaving(this._router, this._slots, this._seen.routing, slotOf)
    );
    const outputs = new Float32Array(tokens * width).fill(NaN);
    for (let t = 0; t < tokens; t++) {
      const slot = slotOf(t);
      if (
        slot !== undefined &&
        isLost(this._router, selected[t * topK + slot])
      ) {
        outputs.fill(0, t * width, (t + 1) * width);
        continue;
      }
      const weight =
        slot === undefined ? 0 : forced ? 1 : weights[t * topK + slot];
      for (let i = t * width; weight !== 0 && i < (t + 1) * width; i++) {
        outputs[i] = (alone[i] - beside[i]) / weight;
      }
    }
    return outputs;
  }

  private async _run(edits: Edits): Promise<Float32Array> {
    const { router } = this._seen;
    const { signal, onRun } = this._options;
    const target = await probedSession(this._model)
      .resolve(merge(this._others, edits))
      .run();
    const { outputs } = await recordActivations(
      this._model,
      target,
      this._prompt,
      { outputs: [router] },
      signal
    );
    onRun?.();
    return outputs.get(router)!;
  }
}

/**
 * The unweighted outputs of the experts that a router chose.
 * @throws MoEDebuggerError 'model-unsupported' where the graph takes no edit that isolates an expert, or transforms the
 * experts' sum before the residual stream; 'cancelled'
 */
export async function expertOutputs(
  model: LoadedModel,
  prompt: TokenizedPrompt,
  seen: RoutedRun,
  options: ExpertOutputOptions = {}
): Promise<ExpertOutputs> {
  const { selected, weights, topK } = seen.routing;
  const tokens = selected.length / topK;
  const width = seen.added.length / tokens;
  const lone = new LoneExperts(model, prompt, seen, options);
  const beside = await lone.beside();
  const values = new Float32Array(tokens * topK * width);
  for (let slot = 0; slot < topK; slot++) {
    const own = await lone.outputs(beside, () => slot);
    for (let t = 0; t < tokens; t++) {
      values.set(
        own.subarray(t * width, (t + 1) * width),
        (t * topK + slot) * width
      );
    }
  }
  const outputs = {
    router: seen.router,
    topK,
    selected,
    weights,
    width,
    values
  };
  const router = model.routers[seen.router];
  if (!router.convention.weightsInput) {
    checkSum(router, outputs, beside, seen.added);
  }
  return outputs;
}

/**
 * The unweighted output of one expert at the tokens that chose it: [tokens, width], NaN elsewhere.
 * @throws MoEDebuggerError as `expertOutputs`, but does not check the sum, which needs all experts
 */
export async function outputsOfExpert(
  model: LoadedModel,
  prompt: TokenizedPrompt,
  seen: RoutedRun,
  expert: number,
  options: ExpertOutputOptions = {}
): Promise<Float32Array> {
  const { selected, topK } = seen.routing;
  const lone = new LoneExperts(model, prompt, seen, options);
  return lone.outputs(await lone.beside(), t => {
    const slot = selected.subarray(t * topK, (t + 1) * topK).indexOf(expert);
    return slot < 0 ? undefined : slot;
  });
}

/** What some experts of a layer put out, and what their layer puts out at the same tokens on average. */
export interface OutputsAndMean {
  width: number;
  /** [tokens, width]: the weighted sum of the outputs of the experts that each token chose. */
  routed: Float32Array;
  /** By expert, [tokens, width]: unweighted; only meaningful where the token selected it. */
  outputs: Map<number, Float32Array>;
  /** [tokens, width]; undefined where the graph isolates no expert but the one that a token selected. */
  mean?: Float32Array;
  /** Experts that the mean is of, at each token. */
  meanOf: 'all experts' | 'selected experts' | null;
}

/**
 * The unweighted outputs of some experts at the tokens that chose them, and the mean output of the layer's experts at each
 * token: of all, where the graph can force a token to any of them, else of those that the token chose.
 *
 * @throws MoEDebuggerError as `outputsOfExpert`
 */
export async function outputsAndMean(
  model: LoadedModel,
  prompt: TokenizedPrompt,
  seen: RoutedRun,
  wanted: ReadonlySet<number>,
  options: ExpertOutputOptions = {}
): Promise<OutputsAndMean> {
  const { selected, topK } = seen.routing;
  const router = model.routers[seen.router];
  const tokens = selected.length / topK;
  const width = seen.added.length / tokens;
  const outputs = new Map<number, Float32Array>();
  const mean = new Float32Array(tokens * width);
  if (forces(probedSession(model).slots[seen.router])) {
    const experts = range(router.experts).filter(own => !isLost(router, own));
    const all = { ...seen, routing: withEveryExpert(seen.routing) };
    const lone = new LoneExperts(model, prompt, all, options);
    const beside = await lone.beside();
    for (const expert of experts) {
      const own = await lone.outputs(beside, () => expert);
      own.forEach((value, i) => (mean[i] += value / experts.length));
      if (wanted.has(expert)) {
        outputs.set(expert, own);
      }
    }
    const routed = seen.added.map((value, i) => value - beside[i]);
    return { width, routed, outputs, mean, meanOf: 'all experts' };
  }
  const lone = new LoneExperts(model, prompt, seen, options);
  const beside = await lone.beside();
  for (let slot = 0; slot < topK; slot++) {
    const own = await lone.outputs(beside, () => slot);
    for (let t = 0; t < tokens; t++) {
      const from = t * width;
      const expert = selected[t * topK + slot];
      for (let i = from; i < from + width; i++) {
        mean[i] += own[i] / topK;
      }
      if (wanted.has(expert)) {
        outputs.set(
          expert,
          outputs.get(expert) ?? new Float32Array(tokens * width)
        );
        outputs.get(expert)!.set(own.subarray(from, from + width), from);
      }
    }
  }
  const routed = seen.added.map((value, i) => value - beside[i]);
  return topK > 1
    ? { width, routed, outputs, mean, meanOf: 'selected experts' }
    : { width, routed, outputs, meanOf: null };
}

/** Whether the graph can force a token to an expert that it did not choose. */
export function forces({ force, mask, forcedByLogits }: RouterSlots): boolean {
  return 'input' in (forcedByLogits ? mask : force);
}

/** Edits that leave one of the chosen experts of each token, by forcing it or by dropping the others. */
function leaving(
  router: Router,
  slots: RouterSlots,
  { selected, topK }: RoutingLayer,
  slotOf: (token: number) => number | undefined
): Edits {
  const place = placeOf(router);
  const kept = range(selected.length / topK).flatMap(t => {
    const slot = slotOf(t);
    return slot === undefined || isLost(router, selected[t * topK + slot])
      ? []
      : [{ t, expert: selected[t * topK + slot], tokens: [t, t + 1] as const }];
  });
  if (forces(slots)) {
    const everywhere =
      kept.length === selected.length / topK &&
      kept.every(({ expert }) => expert === kept[0].expert);
    return {
      force: everywhere
        ? [{ ...place, expert: kept[0].expert }]
        : kept.map(({ expert, tokens }) => ({ ...place, expert, tokens }))
    };
  }
  if ('refused' in slots.scale) {
    throw new MoEDebuggerError(
      'model-unsupported',
      `the outputs of single experts cannot be isolated: ${slots.scale.refused}`,
      {
        where: layerName(router),
        hint: 'routing and the residual stream are available'
      }
    );
  }
  return {
    ablate: kept.flatMap(({ t, expert, tokens }) =>
      [...selected.subarray(t * topK, (t + 1) * topK)]
        .filter(other => other !== expert && !isLost(router, other))
        .map(other => ({
          ...place,
          expert: other,
          mode: 'drop' as const,
          tokens
        }))
    )
  };
}

function dropping(router: Router, experts: readonly number[]): Edits {
  return {
    ablate: experts
      .filter(expert => !isLost(router, expert))
      .map(expert => ({
        ...placeOf(router),
        expert,
        mode: 'drop' as const
      }))
  };
}

/** An expert that the graph has no path for adds nothing, and takes no edit. */
function isLost({ lost }: Router, expert: number): boolean {
  return lost?.includes(expert) === true;
}

/** @throws MoEDebuggerError 'model-unsupported' unless the weighted outputs sum up to what the layer added */
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
      'the output of the experts is transformed before it is added to the residual stream',
      {
        where: layerName(router),
        hint: 'routing and the residual stream are available'
      }
    );
  }
}

/** Relative to the largest value: allows for half precision. */
const TOLERANCE = 2e-2;

/** Edits except those of one router. */
function without(edits: Edits, router: Router): Edits {
  const elsewhere = (place: ReturnType<typeof placeOf>): boolean =>
    place.layer !== router.layer ||
    (place.stack !== undefined && place.stack !== router.stack) ||
    (place.module !== undefined && place.module !== router.module);
  const { ablate, force, topK, bias, selectionBias, scale, steer } = edits;
  // A new kind of edit must say here what becomes of it.
  return {
    ablate: ablate?.filter(elsewhere),
    force: force?.filter(elsewhere),
    topK: typeof topK === 'number' ? topK : topK?.filter(elsewhere),
    bias: bias?.filter(elsewhere),
    selectionBias: selectionBias?.filter(elsewhere),
    scale: scale?.filter(elsewhere),
    steer
  } satisfies { [Kind in keyof Required<Edits>]: Edits[Kind] };
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
