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
import type { Prompt, TokenizedPrompt } from '../../run/model/prompt';
import { measureEffect } from '../held-out/measure-effect';
import { lengthOf, splitPrompts } from '../held-out/split-prompts';
import {
  deviceLoads,
  summarizeLoad,
  type BalancedLayer
} from './balance-document';
import { biasEdits } from './bias-edits';
import { BalancePlan } from './balance-plan';
import { fitLayer, type BiasPlace } from './fit-layer';
import { LogitSample } from './logit-sample';
import { checkOptions, TARGET, type BalanceOptions } from './options';
import { selections } from './selections';

/** Biases of a layer change the input of later layers, so these are fitted again. */
const ROUNDS = 2;

interface Layer {
  router: Router;
  place: BiasPlace | null;
  note: string | null;
  bias?: Float32Array;
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
  checkOptions(options);
  const { target = TARGET, place = 'selection', signal } = options;
  const model = handle.loaded;
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
  layers.forEach((layer, i) => {
    const jain = fittedJain[i];
    if (layer.place !== null && !(jain !== null && jain < target)) {
      layer.place = null;
      layer.note =
        jain === null
          ? 'no token was routed'
          : `its Jain index of ${jain.toFixed(3)} meets the target`;
    }
  });
  fit(layers, plain);
  for (let round = 1; round < ROUNDS; round++) {
    const edits = editsOf(layers);
    if (edits === undefined) {
      done += calibration.length;
      continue;
    }
    fit(
      layers,
      await observe(model, await session.resolve(edits).run(), {
        prompts: calibration,
        signal,
        onRun
      })
    );
  }
  const before: Float64Array[][] = layers.map(() => []);
  const after: Float64Array[][] = layers.map(() => []);
  const effect = await measureEffect(model, heldOut, editsOf(layers) ?? {}, {
    signal,
    onRun,
    onRouting: (plainRouting, biased) =>
      layers.forEach((_, i) => {
        before[i].push(selections(plainRouting[i]));
        after[i].push(selections(biased[i]));
      })
  });
  return new BalancePlan({
    model: model.name,
    load: 'measured',
    target,
    fitted: sizeOf(calibration),
    heldOut: sizeOf(heldOut),
    layers: layers.map((layer, i) =>
      described(layer, fittedJain[i], before[i], after[i])
    ),
    effect,
    warnings
  });
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
  for (const prompt of prompts) {
    const { routing } = await recordActivations(model, run, prompt, {}, signal);
    onRun();
    routing.forEach((layer: RoutingLayer, i) => {
      selections(layer).forEach((n, e) => (observed[i].counts[e] += n));
      observed[i].logits.add(layer.logits, layer.experts);
    });
  }
  return observed;
}

function fit(layers: readonly Layer[], observed: readonly Observed[]): void {
  layers.forEach((layer, i) => {
    const { router, place } = layer;
    if (place !== null) {
      const { experts, topK, convention, tensors } = router;
      layer.bias = fitLayer(
        { experts, topK, convention, logitsAre: tensors.logitsAre, place },
        observed[i].logits
      )?.bias;
    }
  });
}

function editsOf(layers: readonly Layer[]): Edits | undefined {
  const biased = layers.flatMap(({ router, place, bias }) =>
    bias && place ? [{ ...placeOf(router), place, bias: [...bias] }] : []
  );
  return biased.length === 0 ? undefined : biasEdits(biased);
}

function described(
  { router, place, note, bias }: Layer,
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
      note ?? (bias ? null : `no bias makes ${layerName(router)} more even`),
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
