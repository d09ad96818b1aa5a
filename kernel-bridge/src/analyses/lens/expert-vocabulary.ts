/** The tokens that one expert raises and lowers most over a corpus, against the other experts of its layer. */
import { printableLine } from '../../base/printable';
import { MoEDebuggerError } from '../../base/errors';
import { findPlace, layerName, type RouterPlace } from '../../base/protocol';
import type { Edits } from '../../run/edits/edits';
import { checkExpert } from '../../run/edits/resolve-edits';
import type { LoadedModel } from '../../run/model/loaded-model';
import { displayedAs } from '../../show/displayed-data';
import { tableBundle } from '../../show/result-table';
import type { Displayable } from '../../base/kernel-api';
import {
  layerVocabulary,
  type LayerVocabularyOptions
} from './vocabulary/layer-vocabulary';
import type { ExpertWords, VocabularyData } from './vocabulary/vocabulary-data';
import { expertTable, untrainedText } from './vocabulary/vocabulary-tables';

export interface VocabularyOptions extends Omit<
  LayerVocabularyOptions,
  'experts'
> {
  expert: number;
}

export interface ExpertVocabulary
  extends
    RouterPlace,
    Omit<ExpertWords, 'expert'>,
    Pick<VocabularyData, 'of' | 'contrastWith' | 'effect' | 'untrained'> {
  expert: number;
  /** From activations: what the expert did on these prompts, not what its weights could do. */
  by: 'activation';
}

/**
 * @param edits that the prompts run with
 * @throws MoEDebuggerError 'input' when no token of the prompts selects the expert, for a layer or an expert that does not
 * exist, or for what does not fit; 'model-unsupported'; 'cancelled'
 */
export async function expertVocabulary(
  model: LoadedModel,
  { expert, ...options }: VocabularyOptions,
  edits: Edits = {}
): Promise<ExpertVocabulary & Displayable> {
  const { layer, stack, module } = options;
  const place = {
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {})
  };
  const router = model.routers[findPlace(place, model.routers, 'input')];
  checkExpert(expert, router, '', 'input');
  const result = await layerVocabulary(
    model,
    { ...options, experts: [expert] },
    edits
  );
  const { of, contrastWith, effect, untrained, experts, notes } =
    result.toJSON();
  const [words] = experts;
  if (words.tokens === 0) {
    throw new MoEDebuggerError(
      'input',
      `no token of the prompts selects expert ${expert}`,
      {
        where: layerName(router),
        hint: 'give other prompts: "moe-debugger trace" shows which experts they select'
      }
    );
  }
  const vocabulary = {
    ...place,
    ...words,
    by: 'activation' as const,
    of,
    contrastWith,
    effect,
    untrained,
    notes: [...words.notes, ...notes]
  };
  return displayedAs(vocabulary, () => {
    const table = expertTable(
      `${printableLine(model.onnx.name)}, ${layerName(router)}: what expert ${expert} says`,
      vocabulary
    );
    return tableBundle(
      {
        ...table,
        notes: [...table.notes!, untrainedText(untrained)]
      },
      result.toString()
    );
  });
}
