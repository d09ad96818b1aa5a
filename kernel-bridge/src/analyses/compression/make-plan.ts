/** Makes a compression plan: observes calibration prompts, decides, and measures the plan on held-out prompts. */
import { probedSession } from '../../run/edits/edited-sessions';
import { forces } from '../../run/activations/expert-outputs';
import { MoEDebuggerError } from '../../base/errors';
import { checkGiven } from '../../base/given-options';
import type { Edits } from '../../run/edits/edits';
import type { LoadedModel, ModelHandle } from '../../run/model/loaded-model';
import { lostText } from '../../run/model/lost-experts';
import { loadedOf } from '../../run/model/model-handle';
import type { Prompt, TokenizedPrompt } from '../../run/model/prompt';
import { counted, layerName } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import type { LayerPlan, RandomPlans } from './compression-document';
import {
  effectNotes,
  measureEffects,
  type PlanEffect
} from '../held-out/measure-effect';
import { lengthOf, splitPrompts } from '../held-out/split-prompts';
import { CompressionPlan } from './compression-plan';
import { forwardsOf, observeLayers } from './observe-layers';
import {
  checkOptions,
  keptExperts,
  RANDOM_PLANS,
  type CompressionOptions
} from './options';
import { planEdits } from './plan-edits';
import { planLayer } from './plan-layer';
import { planSizes } from './plan-sizes';
import { compared, randomEdits } from './random-plans';
import { readWeights } from './read-weights';
import { superExperts } from './super-experts';

/** Up to this many experts, every expert runs on every token; above it, only the selected ones. */
const EVERY_EXPERT = 16;
/** Fewer tokens make a mean unreliable. */
const MIN_TOKENS = 10;

/**
 * Plans which experts of each layer to prune, merge and keep, by five criteria; reports where the criteria disagree, what
 * is saved, the effect on held-out prompts beside that of random plans, and a LoRA rank per expert.
 *
 * @param prompts calibration prompts, by domain
 * @throws MoEDebuggerError 'input' or 'tokenizer' for invalid options and prompts, or when none are held out;
 * 'engine', 'cancelled'
 */
export async function compressionPlan(
  handle: ModelHandle,
  prompts: Prompt | readonly Prompt[],
  options: CompressionOptions
): Promise<CompressionPlan> {
  const model = loadedOf(handle, 'compressionPlan');
  checkGiven(
    options,
    'compressionPlan',
    'give keep (experts per layer) or ratio (share to remove)'
  );
  checkOptions(options);
  const { by = 'reap', mergeDifference = 0.1, loraRank = 8, signal } = options;
  const { routers } = model;
  routers.forEach(checkWhole);
  const kept = new Map(
    routers.map(router => [router, keptExperts(router, options)])
  );
  const warnings: string[] = [];
  const { calibration, heldOut } = splitPrompts(
    model,
    prompts,
    options.heldOut,
    warnings
  );
  const everyExpert = (router: Router): boolean =>
    forces(probedSession(model).slots[routers.indexOf(router)]) &&
    (options.everyExpert ?? router.experts <= EVERY_EXPERT);
  const { randomPlans = RANDOM_PLANS } = options;
  const total =
    calibration.length * forwardsOf(routers, everyExpert) +
    (2 + randomPlans) * heldOut.length;
  let done = 0;
  const onRun = (): void => options.onProgress?.({ done: ++done, total });

  const evidence = await observeLayers(
    model,
    await probedSession(model).resolve({}).run(),
    calibration,
    { everyExpert, keep: router => kept.get(router)!, signal, onRun },
    warnings
  );
  const weights = readWeights(model, warnings);
  const extreme = superExperts(
    evidence.map(({ peaks, experts }) => peaks ?? new Array(experts).fill(NaN))
  );
  const layers = routers.map((router, i) =>
    planLayer(
      router,
      { ...evidence[i], weights: weights[i] },
      kept.get(router)!,
      {
        by,
        mergeDifference,
        loraRank,
        mergedBy:
          'input' in probedSession(model).slots[i].map ? 'swap' : 'mask',
        superExperts: extreme[i]
      }
    )
  );
  warnings.push(...doubts(layers, by));
  const measured = await effectsOf(
    model,
    heldOut,
    layers,
    { signal, onRun, randomPlans },
    warnings
  );
  return new CompressionPlan({
    model: model.name,
    by,
    mergeDifference,
    calibration: {
      prompts: calibration.length,
      tokens: calibration.reduce((sum, prompt) => sum + lengthOf(prompt), 0)
    },
    layers,
    ...measured,
    sizes: planSizes(model, layers, warnings),
    warnings
  });
}

/** @throws MoEDebuggerError 'model-unsupported' for a router whose experts are not all in the graph */
function checkWhole(router: Router): void {
  if (router.lost) {
    throw new MoEDebuggerError('model-unsupported', lostText(router.lost), {
      where: layerName(router),
      hint: 'export the model again so that every expert runs'
    });
  }
}

/** Warnings about limits of the plan. */
function doubts(
  layers: readonly LayerPlan[],
  by: CompressionOptions['by']
): string[] {
  const otherwise = layers.filter(layer => layer.by !== by).length;
  const rare = layers.flatMap(({ rows }) =>
    rows.filter(({ tokens }) => tokens < MIN_TOKENS)
  ).length;
  const masked = layers.filter(
    ({ merge, mergedBy }) => merge.length > 0 && mergedBy === 'mask'
  );
  const excess = layers.filter(
    ({ superExperts: own, keep }) => (own?.length ?? 0) > keep.length
  );
  const all = layers.reduce((sum, { experts }) => sum + experts, 0);
  return [
    ...(otherwise > 0
      ? [
          `${counted(otherwise, 'layer')} ${otherwise === 1 ? 'does' : 'do'} not provide ${by}: frequency was used there`
        ]
      : []),
    ...(masked.length > 0
      ? [
          `${masked.map(layerName).join(', ')}: the graph does not support a swap, so merged experts are masked in the measured effect; merging may do less harm`
        ]
      : []),
    ...(excess.length > 0
      ? [
          `${excess.map(layerName).join(', ')}: more super experts than experts to keep; those with the largest outputs stay`
        ]
      : []),
    ...(rare > 0
      ? [
          `${rare} of ${counted(all, 'expert')} ${rare === 1 ? 'was' : 'were'} selected by fewer than ${MIN_TOKENS} calibration tokens: more text may change the plan`
        ]
      : [])
  ];
}

async function effectsOf(
  model: LoadedModel,
  prompts: readonly TokenizedPrompt[],
  layers: readonly LayerPlan[],
  {
    randomPlans,
    ...options
  }: { signal?: AbortSignal; onRun: () => void; randomPlans: number },
  warnings: string[]
): Promise<{ effect: PlanEffect | null; random: RandomPlans | null }> {
  const removes = layers.some(({ keep, experts }) => keep.length < experts);
  const random = removes ? randomEdits(layers, randomPlans) : [];
  const refused = refusalOf(model, planEdits(layers));
  if (refused !== undefined) {
    warnings.push(`the effect was not measured: ${refused}`);
    return { effect: null, random: null };
  }
  // Random plans mask, which a graph may refuse although it runs a plan that only swaps.
  const runnable = random.filter(
    edits => refusalOf(model, edits) === undefined
  );
  const [effect, ...others] = await measureEffects(
    model,
    prompts,
    [planEdits(layers), ...runnable],
    options
  );
  warnings.push(...effectNotes(effect));
  return {
    effect,
    random: others.length > 0 ? compared(effect, others) : null
  };
}

/** Why the graph does not support edits; undefined where it does. */
function refusalOf(model: LoadedModel, edits: Edits): string | undefined {
  try {
    probedSession(model).resolve(edits);
    return undefined;
  } catch (error) {
    if ((error as MoEDebuggerError).code !== 'edit') {
      throw error;
    }
    return (error as Error).message;
  }
}
