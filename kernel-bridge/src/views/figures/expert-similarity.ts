/** Figure of the similarity of a layer's experts, by weights or outputs. */
import { MoEDebuggerError } from '../../base/errors';
import { surveyExperts } from '../../analyses/findings';
import {
  outputsByExpert,
  type OutputsOptions
} from '../../analyses/findings/model-outputs';
import { NEUTRAL_PROMPTS } from '../../analyses/findings/neutral-prompts';
import { DEFAULT_THRESHOLDS } from '../../analyses/findings/thresholds';
import { ckaMatrix, cosineMatrix, METRICS } from '../../measures';
import { readStructure } from '../../run/model/structure';
import type { LoadedModel, ModelHandle } from '../../run/model/loaded-model';
import type { Prompt } from '../../run/model/prompt';
import { layerName } from '../../base/protocol';
import type { Router } from '../../routing/convention';
import type { Figure } from '../../show/figure';
import { findLayer, type LayerPlace } from './find-layer';
import { expertMatrixFigure, type ExpertMatrix } from './layer-figures';

/**
 * 'weights': cosine similarity of all weights, which ignores that neurons may be permuted. 'outputs': cosine similarity of
 * the outputs on the same tokens. 'cka': linear CKA of the outputs (Kornblith et al. 2019), which is invariant to rotation
 * and scaling.
 */
export type SimilarityOf = 'weights' | 'outputs' | 'cka';

export interface ExpertSimilarityOptions extends OutputsOptions {
  /** Default 'weights'. */
  of?: SimilarityOf;
  /** Prompt to run the experts on. Default: a built-in text. Ignored for weights. */
  prompt?: Prompt;
}

/** Limit for the token-by-token products of all experts' outputs: 512 MiB. */
const MAX_PRODUCTS = 1 << 26;
const COMPARED = {
  weights: { metric: METRICS.cosine, what: 'the weights' },
  outputs: { metric: METRICS.cosine, what: 'the outputs on the same tokens' },
  cka: { metric: METRICS.linearCka, what: 'the outputs on the same tokens' }
};

/**
 * [experts, experts], with similar experts adjacent. Outputs take E + 1 forward passes.
 *
 * @throws MoEDebuggerError 'input' for a layer that does not exist; 'model-unsupported' if the graph does not separate the
 * layer's experts, or cannot run one alone; 'tokenizer' if there is neither a prompt nor a tokenizer;
 * 'cancelled'
 */
export async function expertSimilarityFigure(
  handle: ModelHandle,
  layer: LayerPlace,
  { of = 'weights', prompt, ...options }: ExpertSimilarityOptions = {}
): Promise<Figure<ExpertMatrix>> {
  if (!Object.hasOwn(COMPARED, of)) {
    throw new MoEDebuggerError('input', `there is no similarity of ${of}`, {
      hint: `choose one of ${Object.keys(COMPARED).join(', ')}`
    });
  }
  const model = handle.loaded;
  const router = findLayer(model.routers, layer, router => router);
  const values =
    of === 'weights'
      ? ofWeights(model, router)
      : await ofOutputs(
          model,
          router,
          prompt ?? NEUTRAL_PROMPTS[0],
          of,
          options
        );
  const {
    metric: { title: measure, range },
    what
  } = COMPARED[of];
  return expertMatrixFigure(
    values,
    { router, counts: new Float64Array(router.experts) },
    {
      title: `${model.name} · ${layerName(router)} · similarity of ${of === 'weights' ? 'weights' : 'outputs'}`,
      measure,
      about: `${measure} of ${what}`
    },
    range
  );
}

function ofWeights(model: LoadedModel, router: Router): Float64Array {
  const { onnx, graph, found } = readStructure(model.description.model.path);
  const [survey] = surveyExperts(
    onnx,
    graph,
    found.routers.filter(other => layerName(other) === layerName(router)),
    found.blocks,
    DEFAULT_THRESHOLDS.duplicate_similarity_threshold
  );
  if (!survey) {
    throw new MoEDebuggerError(
      'model-unsupported',
      'the graph does not separate the experts, or they are too large to compare',
      { where: layerName(router), hint: "compare them by { of: 'outputs' }" }
    );
  }
  return survey.similarity;
}

async function ofOutputs(
  model: LoadedModel,
  router: Router,
  prompt: Prompt,
  of: 'outputs' | 'cka',
  options: OutputsOptions
): Promise<Float64Array> {
  const tokenized = model.tokenize(prompt);
  const tokens = tokenized.ids.length;
  if (of === 'cka' && tokens ** 2 * router.experts > MAX_PRODUCTS) {
    throw new MoEDebuggerError(
      'input',
      `CKA of ${router.experts} experts on ${tokens} tokens takes too much memory`,
      {
        hint: `give a prompt of at most ${Math.floor(Math.sqrt(MAX_PRODUCTS / router.experts))} tokens`
      }
    );
  }
  for await (const { outputs } of outputsByExpert(
    model,
    tokenized,
    [router],
    options
  )) {
    return of === 'cka' ? ckaMatrix(outputs, tokens) : cosineMatrix(outputs);
  }
  throw new MoEDebuggerError(
    'model-unsupported',
    'the graph cannot run one expert alone',
    { where: layerName(router), hint: "compare them by { of: 'weights' }" }
  );
}
