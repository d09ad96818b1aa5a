/** Runs calibration prompts and observes the experts of each layer. */
import {
  expertOutputs,
  withEveryExpert
} from '../../run/activations/expert-outputs';
import { recordActivations } from '../../run/activations/record-activations';
import type { EditedRun } from '../../run/edits/edited-session';
import type { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel } from '../../run/model/loaded-model';
import type { TokenizedPrompt } from '../../run/model/prompt';
import { layerName } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import type { LayerEvidence } from './decide';
import { LayerObservation } from './layer-observation';

export interface ObserveOptions {
  /** Whether every expert of a router runs on every token. */
  everyExpert: (router: Router) => boolean;
  /** Number of experts of a router to keep. */
  keep: (router: Router) => number;
  signal?: AbortSignal;
  onRun: () => void;
}

/** Number of forward passes per prompt. */
export function forwardsOf(
  routers: readonly Router[],
  everyExpert: (router: Router) => boolean
): number {
  return routers.reduce(
    (runs, router) =>
      runs + 1 + (everyExpert(router) ? router.experts : router.topK),
    1
  );
}

/**
 * @param target a run of the model's probed session, without edits
 * @returns one entry per router; appends to `warnings` what could not be observed
 */
export async function observeLayers(
  model: LoadedModel,
  target: EditedRun,
  prompts: readonly TokenizedPrompt[],
  options: ObserveOptions,
  warnings: string[]
): Promise<LayerEvidence[]> {
  const layers = model.routers.map(router => new LayerObservation(router));
  const readable = [...model.routers.keys()].filter(
    router => target.activations.routers[router].input !== undefined
  );
  // For layers whose expert outputs cannot be identified only the routing is known.
  const shown = new Set(
    [...model.routers.keys()].filter(
      router => target.activations.routers[router].output !== undefined
    )
  );
  model.routers.forEach((router, i) => {
    if (!shown.has(i)) {
      warnings.push(
        `${layerName(router)}: the graph does not expose expert outputs; only their frequency is known`
      );
    }
  });
  for (const prompt of prompts) {
    const { routing, inputs, outputs } = await recordActivations(
      model,
      target,
      prompt,
      {
        inputs: readable.filter(router => shown.has(router)),
        outputs: [...shown]
      },
      options.signal
    );
    options.onRun();
    for (const [router, layer] of layers.entries()) {
      layer.addRouting(routing[router]);
      if (!shown.has(router)) {
        continue;
      }
      const every = options.everyExpert(model.routers[router]);
      try {
        const { values, width } = await expertOutputs(
          model,
          prompt,
          {
            router,
            routing: every ? withEveryExpert(routing[router]) : routing[router],
            added: outputs.get(router)!
          },
          { signal: options.signal, onRun: options.onRun }
        );
        layer.addOutputs(routing[router], every, {
          values,
          width,
          inputs: inputs.get(router)
        });
      } catch (error) {
        if ((error as MoEDebuggerError).code !== 'model-unsupported') {
          throw error;
        }
        shown.delete(router);
        warnings.push(
          `only the frequency of experts is known: ${(error as Error).message}`
        );
      }
    }
  }
  return layers.map((layer, i) =>
    layer.evidence(shown.has(i), options.keep(model.routers[i]), warnings)
  );
}
