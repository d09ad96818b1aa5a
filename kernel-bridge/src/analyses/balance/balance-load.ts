/** Balances a model's load: fits biases on one half of the prompts, and runs the model with them on the other half. */
import { layerName, type RoutingLayer } from '../../base/protocol';
import { jainIndex } from '../../measures';
import { sum } from '../../measures/vectors';
import type { Router } from '../../routing/convention';
import { recordActivations } from '../../run/activations/record-activations';
import type { EditedRun } from '../../run/edits/edited-session';
import { probedSession } from '../../run/edits/edited-sessions';
import type { Edits } from '../../run/edits/edits';
import type { RouterSlots } from '../../run/edits/slots';
import type { LoadedModel, ModelHandle } from '../../run/model/loaded-model';
import { lostText } from '../../run/model/lost-experts';
import { loadedOf } from '../../run/model/model-handle';
import type { Prompt, TokenizedPrompt } from '../../run/model/prompt';
import { effectNotes, measureEffect } from '../held-out/measure-effect';
import { lengthOf, splitPrompts } from '../held-out/split-prompts';
import {
  deviceLoads,
  summarizeLoad,
  type BalancedLayer
} from './balance-document';
import { biasEdits } from './bias-edits';
import { BalancePlan } from './balance-plan';
import {
  fitLayer,
  fitUnseen,
  loadWith,
  noteOnUnseen,
  type BiasedRouter,
  type BiasPlace
} from './fit-layer';
import { halvesOf, LogitSample } from './logit-sample';
import { checkOptions, TARGET, type BalanceOptions } from './options';
import { selections } from './selections';

/** Biases of a layer change the input of later layers, so these are fitted again. */
const ROUNDS = 2;

interface Layer {
  router: Router;
  place: BiasPlace | null;
  note: string | null;
  bias?: Float32Array;
  /** Why there is no bias. */
  reason?: string;
}

/**
 * Fits selection biases that even out the load of each layer below the target, and measures what they do on held-out
 * prompts: load, capacity, and the cost in next-token loss and KL divergence.
 *
 * @param prompts by domain
 * @throws MoEDebuggerError 'input' or 'tokenizer' for invalid options and prompts, or when none are held out; 'engine',
 * 'cancelled'
 */
export async function balanceLoad(
  handle: ModelHandle,
  prompts: Prompt | readonly Prompt[],
  options: BalanceOptions = {}
): Promise<BalancePlan> {
  const model = loadedOf(handle, 'balanceLoad');
  checkOptions(options);
  const { target = TARGET, place = 'selection', signal } = options;
  const warnings: string[] = [];
  const { calibration, heldOut } = splitPrompts(
    model,
    prompts,
    options.heldOut,
    warnings
  );
  const session = probedSession(model);
  const total = ROUNDS * calibration.length + 2 * heldOut.length;
  let done = 0;
  const onRun = (): void => options.onProgress?.({ done: ++done, total });
  const layers = model.routers.map((router, i) =>
    layerOf(router, session.slots[i], place)
  );
  const plain = await observe(model, await session.resolve({}).run(), {
    prompts: calibration,
    signal,
    onRun
  });
  const fittedJain = plain.map(({ counts }) =>
    sum(counts) > 0 ? jainIndex(counts) : null
  );
  layers.forEach((layer, i) =>
    fit(layer, plain[i].logits, fittedJain[i], target)
  );
  for (let round = 1; round < ROUNDS; round++) {
    const edits = editsOf(layers);
    if (edits === undefined) {
      done += calibration.length;
      continue;
    }
    const seen = await observe(model, await session.resolve(edits).run(), {
      prompts: calibration,
      signal,
      onRun
    });
    layers.forEach((layer, i) =>
      fit(
        layer,
        seen[i].logits,
        lower(fittedJain[i], jainOf(layer, seen[i].logits)),
        target
      )
    );
  }
  const before: Float64Array[][] = layers.map(() => []);
  const after: Float64Array[][] = layers.map(() => []);
  const effect = await measureEffect(model, heldOut, editsOf(layers) ?? {}, {
    signal,
    onRun,
    onRouting: (plainRouting, changed) =>
      layers.forEach((_, i) => {
        before[i].push(selections(plainRouting[i]));
        after[i].push(selections(changed[i]));
      })
  });
  const described = layers.map((layer, i) =>
    describe(layer, fittedJain[i], before[i], after[i])
  );
  return new BalancePlan({
    model: model.name,
    load: 'measured',
    target,
    fitted: sizeOf(calibration),
    heldOut: sizeOf(heldOut),
    layers: described,
    effect,
    warnings: [...warnings, ...effectNotes(effect), ...worse(described)]
  });
}

/** A Jain index that falls by less is as good as before. */
const VISIBLE_FALL = 0.005;

/** Warnings of layers that are less even with the biases than without. */
function worse(layers: readonly BalancedLayer[]): string[] {
  return layers
    .filter(
      ({ before, after }) =>
        before.jain !== null &&
        after.jain !== null &&
        after.jain < before.jain - VISIBLE_FALL
    )
    .map(
      own =>
        `${layerName(own)} is less even on held-out prompts, Jain ${own.before.jain!.toFixed(3)} -> ${own.after.jain!.toFixed(3)}: ` +
        (own.bias
          ? 'its biases do not carry over to them; give more text'
          : 'the biases of earlier layers change what it reads')
    );
}

/** The router with the place of its biases; undefined where it gets none. */
function biased({ router, place }: Layer): BiasedRouter | undefined {
  const { experts, topK, convention, tensors } = router;
  return place === null
    ? undefined
    : { experts, topK, convention, logitsAre: tensors.logitsAre, place };
}

function layerOf(
  router: Router,
  { selectionBias, bias }: RouterSlots,
  place: BiasPlace
): Layer {
  const none = (note: string): Layer => ({ router, place: null, note });
  if (router.topK === router.experts) {
    return none('each token selects every expert');
  }
  if (router.lost) {
    return none(lostText(router.lost));
  }
  if (place === 'selection' && 'input' in selectionBias) {
    return { router, place, note: null };
  }
  if ('refused' in bias) {
    return none(`the graph supports no bias there: ${bias.refused}`);
  }
  return {
    router,
    place: 'logits',
    note:
      'refused' in selectionBias && place === 'selection'
        ? `the biases are added to the logits, so weights change too: ${selectionBias.refused}`
        : null
  };
}

interface Observed {
  counts: Float64Array;
  logits: LogitSample;
}

async function observe(
  model: LoadedModel,
  run: EditedRun,
  {
    prompts,
    signal,
    onRun
  }: {
    prompts: readonly TokenizedPrompt[];
    signal?: AbortSignal;
    onRun: () => void;
  }
): Promise<Observed[]> {
  const observed = model.routers.map(({ experts }) => ({
    counts: new Float64Array(experts),
    logits: new LogitSample()
  }));
  const halves = halvesOf(prompts);
  for (const [at, prompt] of prompts.entries()) {
    const { routing } = await recordActivations(model, run, prompt, {}, signal);
    onRun();
    routing.forEach((layer: RoutingLayer, i) => {
      selections(layer).forEach((n, e) => (observed[i].counts[e] += n));
      observed[i].logits.add(layer.logits, layer.experts, halves[at]);
    });
  }
  return observed;
}

/**
 * Fits the biases of a layer to what it saw, unless it is even enough, or biases would not make other text more even.
 * @param jain of what it saw, without biases of its own; null where nothing was routed
 */
function fit(
  layer: Layer,
  logits: LogitSample,
  jain: number | null,
  target: number
): void {
  const router = biased(layer);
  if (!router) {
    return;
  }
  layer.reason =
    jain === null
      ? 'no token was routed'
      : jain >= target
        ? `its Jain index of ${jain.toFixed(3)} meets the target`
        : noteOnUnseen(fitUnseen(router, logits));
  layer.bias =
    layer.reason === undefined ? fitLayer(router, logits)?.bias : undefined;
}

/** A layer that was off balance stays to be fitted when the biases of earlier ones even it out by chance. */
function lower(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.min(a, b);
}

/** The Jain index that a layer has without biases of its own; null where nothing is routed. */
function jainOf(layer: Layer, logits: LogitSample): number | null {
  const router = biased(layer);
  const loads =
    router && loadWith(router, logits, new Float32Array(router.experts));
  return loads && sum(loads) > 0 ? jainIndex(loads) : null;
}

function editsOf(layers: readonly Layer[]): Edits | undefined {
  const fitted = layers.flatMap(({ router, place, bias }) =>
    bias && place ? [{ ...placeOf(router), place, bias: [...bias] }] : []
  );
  return fitted.length === 0 ? undefined : biasEdits(fitted);
}

function describe(
  { router, place, note, bias, reason }: Layer,
  fittedJain: number | null,
  before: readonly Float64Array[],
  after: readonly Float64Array[]
): BalancedLayer {
  const { experts, topK } = router;
  const loads = [before, after].map(own => summarizeLoad(own, experts, topK));
  return {
    ...placeOf(router),
    experts,
    topK,
    bias: bias ? [...bias] : null,
    place: bias ? place : null,
    note:
      bias || place === null
        ? note
        : (reason ?? `no bias makes ${layerName(router)} more even`),
    fittedJain,
    before: loads[0],
    after: loads[1],
    devices: deviceLoads(loads[0].counts, loads[1].counts)
  };
}

function placeOf({ layer, stack, module }: Router): {
  layer: number;
  stack?: Router['stack'];
  module?: string;
} {
  return { layer, ...(stack ? { stack } : {}), ...(module ? { module } : {}) };
}

function sizeOf(prompts: readonly TokenizedPrompt[]): {
  prompts: number;
  tokens: number;
} {
  return {
    prompts: prompts.length,
    tokens: prompts.reduce((total, prompt) => total + lengthOf(prompt), 0)
  };
}
