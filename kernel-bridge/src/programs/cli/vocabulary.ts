import type { RouterPlace } from '../../base/protocol';
import type { LayerVocabularyOptions } from '../../analyses/lens/vocabulary/layer-vocabulary';
import { printPlan, type PlanArguments } from './print-plan';

export interface VocabularyArguments
  extends
    PlanArguments,
    Pick<LayerVocabularyOptions, 'experts' | 'top' | 'evidence' | 'untrained'> {
  layer: RouterPlace;
}

export function vocabulary(
  path: string,
  { prompts, out, json, layer: place, ...options }: VocabularyArguments
): Promise<void> {
  return printPlan(
    path,
    { prompts, out, json },
    'running prompts',
    (model, texts, onProgress) =>
      model.layerVocabulary({
        ...options,
        ...place,
        prompts: texts,
        onProgress
      })
  );
}
