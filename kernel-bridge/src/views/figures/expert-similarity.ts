/** How alike the experts of a layer are, in what they are or in what they do, as a figure. */
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
 * 'weights': cosine of all weights, which knows nothing of permuted neurons. 'outputs': cosine of what experts put out
 * on the same tokens. 'cka': linear CKA of these (Kornblith et al. 2019), which is 1 of outputs that are rotated and
 * scaled into each other.
 */
export type SimilarityOf = 'weights' | 'outputs' | 'cka';

export interface ExpertSimilarityOptions extends OutputsOptions {
  /** Default 'weights'. */
  of?: SimilarityOf;
  /** What the experts are run on; a built-in text when absent. Not read for weights. */
  prompt?: Prompt;
}

/** Products of two tokens' outputs, of all experts: 512 MiB. */
const MOST_PRODUCTS = 1 << 26;
const COMPARED = {
  weights: { metric: METRICS.cosine, what: 'the weights' },
  outputs: { metric: METRICS.cosine, what: 'the outputs on the same tokens' },
  cka: { metric: METRICS.linearCka, what: 'the outputs on the same tokens' }
};

/**
 * [experts, experts], the alike side by side. Outputs take E + 1 forwards.
 *
 * @throws MoEDebuggerError 'input' for a layer that is not there; 'model-unsupported' where the graph does not tell the
 * layer's experts apart, or does not let one run alone; 'tokenizer' without a prompt for a model without one;
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
      'the graph does not tell the experts apart, or they are too large to be compared',
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
  if (of === 'cka' && tokens ** 2 * router.experts > MOST_PRODUCTS) {
    throw new MoEDebuggerError(
      'input',
      `CKA of ${router.experts} experts on ${tokens} tokens takes too much memory`,
      {
        hint: `give a prompt of at most ${Math.floor(Math.sqrt(MOST_PRODUCTS / router.experts))} tokens`
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
    'the graph does not let one expert run alone',
    { where: layerName(router), hint: "compare them by { of: 'weights' }" }
  );
}
