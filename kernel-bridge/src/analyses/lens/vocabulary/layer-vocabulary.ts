/** What the experts of one layer say: the tokens that each raises and lowers, against the other experts of the layer. */
import { MoEDebuggerError } from '../../../base/errors';
import { checkGiven } from '../../../base/given-options';
import type { Progress } from '../../../base/progress';
import {
  counted,
  findPlace,
  layerName,
  type RouterPlace
} from '../../../base/protocol';
import { probedSession } from '../../../run/edits/edited-sessions';
import type { Edits } from '../../../run/edits/edits';
import { checkExpert } from '../../../run/edits/resolve-edits';
import type { LoadedModel } from '../../../run/model/loaded-model';
import { promptKey, withoutCopies } from '../../../run/model/distinct-prompts';
import {
  promptList,
  type Prompt,
  type TokenizedPrompt
} from '../../../run/model/prompt';
import { checkTop } from '../ranking';
import { ablationEvidence, type EvidenceOptions } from './ablation-evidence';
import { sumLayer, type LayerSums } from './layer-sums';
import { LayerVocabulary } from './vocabulary-result';
import type { ExpertWords, Half } from './vocabulary-data';

export interface LayerVocabularyOptions extends RouterPlace {
  prompts: Prompt | readonly Prompt[];
  /** Default: all of the layer. The contrast is with all of them in any case. */
  experts?: readonly number[];
  /** Length of each list. Default 10. */
  top?: number;
  /** Whether to ablate each expert too, which takes a run more for each expert and prompt. Default true. */
  evidence?: boolean;
  /**
   * Whether effects through later layers count, which takes two runs more for each expert and prompt. Default 'total', where
   * the graph allows it.
   */
  effect?: 'total' | 'direct';
  /** Whether lists may have tokens that training never had. Default false. */
  untrained?: boolean;
  signal?: AbortSignal;
  /** Called after each prompt, and after each prompt with ablated experts. */
  onProgress?: (progress: Progress) => void;
}

const EFFECTS: readonly LayerVocabularyOptions['effect'][] = [
  'total',
  'direct'
];

function checkEffect(effect: LayerVocabularyOptions['effect']): void {
  if (!EFFECTS.includes(effect)) {
    throw new MoEDebuggerError(
      'input',
      `there is no effect ${JSON.stringify(effect)}`,
      { where: 'effect', hint: `give ${EFFECTS.join(' or ')}` }
    );
  }
}

/**
 * @param edits that the prompts run with
 * @throws MoEDebuggerError 'input' for a layer or an expert that does not exist, or for what does not fit;
 * 'model-unsupported'; 'cancelled'
 */
export async function layerVocabulary(
  model: LoadedModel,
  options: LayerVocabularyOptions,
  edits: Edits = {}
): Promise<LayerVocabulary> {
  checkGiven(options, 'layerVocabulary', 'give layer and prompts');
  const {
    prompts: given,
    experts: wanted,
    top = 10,
    evidence = true,
    effect = 'total',
    untrained = false,
    signal,
    onProgress,
    ...place
  } = options;
  checkTop(top);
  checkEffect(effect);
  const router = findPlace(place, model.routers, 'input');
  const experts = wantedExperts(model, router, wanted);
  const { distinct: prompts, note } = withoutCopies(
    promptList(given).map((prompt, i) => model.tokenize(prompt, i)),
    promptKey
  );
  if (prompts.length === 0) {
    throw new MoEDebuggerError('input', 'there are no prompts', {
      where: 'prompts',
      hint: 'give at least one'
    });
  }
  const progress = { done: 0, total: prompts.length * (evidence ? 2 : 1) };
  const common = {
    router,
    edits,
    halves: halvesOf(prompts),
    signal,
    onPrompt: (): void => {
      progress.done++;
      onProgress?.({ ...progress });
    }
  };
  const sums = await sumLayer(model, prompts, {
    ...common,
    experts,
    effect,
    untrained
  });
  const textOf = (id: number): string | undefined => model.tokenizer?.piece(id);
  const words = experts.map(expert => wordsOf(sums, expert, top, textOf));
  if (evidence) {
    await addEvidence(model, prompts, sums, words, {
      ...common,
      place,
      top
    });
  }
  return new LayerVocabulary(
    model.onnx.name,
    {
      ...place,
      edits: probedSession(model).resolve(edits).records.records,
      of: sums.tokens,
      prompts: prompts.length,
      contrastWith: sums.contrastWith,
      effect: sums.effect,
      untrained: sums.untrained,
      experts: words,
      notes: [
        ...(note === undefined ? [] : [note]),
        ...notesOf(sums),
        ...lossNotes(words),
        ...sums.groups.notes
      ]
    },
    sums.experts,
    textOf
  );
}

function wantedExperts(
  model: LoadedModel,
  index: number,
  wanted: readonly number[] | undefined
): number[] {
  const router = model.routers[index];
  if (router.stack === 'encoder') {
    throw new MoEDebuggerError(
      'model-unsupported',
      'experts of the encoder add nothing to the stream that the logits are read from',
      { where: layerName(router), hint: 'choose a layer of the decoder' }
    );
  }
  if (wanted?.length === 0) {
    throw new MoEDebuggerError('input', 'the list of experts is empty', {
      where: 'experts',
      hint: 'leave it out to ask for all'
    });
  }
  wanted?.forEach(expert => checkExpert(expert, router, '', 'input'));
  return wanted
    ? [...new Set(wanted)]
    : Array.from({ length: router.experts }, (_, expert) => expert).filter(
        expert => router.lost?.includes(expert) !== true
      );
}

/** Every second prompt of a domain is of the second half. */
function halvesOf(prompts: readonly TokenizedPrompt[]): Half[] {
  const seen = new Map<string | undefined, number>();
  return prompts.map(({ domain }) => {
    const before = seen.get(domain) ?? 0;
    seen.set(domain, before + 1);
    return before % 2 === 0 ? 'first' : 'second';
  });
}

function wordsOf(
  { experts }: LayerSums,
  expert: number,
  top: number,
  textOf: (id: number) => string | undefined
): ExpertWords {
  const own = experts.get(expert);
  return {
    expert,
    tokens: own?.tokens ?? 0,
    prompts: own?.prompts ?? 0,
    raised: own?.strongest(top, 1, textOf) ?? [],
    lowered: own?.strongest(top, -1, textOf) ?? [],
    groups: own?.groupChanges() ?? [],
    evidence: null,
    notes: !own
      ? ['no token of the prompts selects it']
      : own.prompts < 2
        ? ['one prompt selects it: there are no intervals']
        : []
  };
}

async function addEvidence(
  model: LoadedModel,
  prompts: readonly TokenizedPrompt[],
  { experts, vocabulary }: LayerSums,
  words: readonly ExpertWords[],
  { top, ...options }: Omit<EvidenceOptions, 'vocabulary'> & { top: number }
): Promise<void> {
  const served = words.filter(({ expert }) => experts.has(expert));
  const found = await ablationEvidence(
    model,
    prompts,
    served.map(({ expert }) => {
      const own = experts.get(expert)!;
      return {
        expert,
        raised: {
          first: new Set(own.raisedIn('second', top)),
          second: new Set(own.raisedIn('first', top))
        }
      };
    }),
    { ...options, vocabulary }
  );
  served.forEach((own, i) => {
    const evidence = found[i];
    if (typeof evidence === 'string') {
      own.notes.push(`not tried by ablation: ${evidence}`);
    } else {
      own.evidence = evidence;
      if (!evidence.raised) {
        own.notes.push(
          'no next token of the prompts is among those that it raises in the other half of the prompts'
        );
      }
    }
  });
}

function notesOf({ contrastWith, experts, refusal }: LayerSums): string[] {
  const contrast =
    contrastWith === null
      ? 'no contrast: the graph shows a token no expert but the one that it selects'
      : 'the contrast is with the experts that each token selects: the graph cannot force a token to others';
  return [
    ...(experts.size === 0 || contrastWith === 'all experts' ? [] : [contrast]),
    ...(refusal === undefined
      ? []
      : [`effects through later layers do not count: ${refusal}`])
  ];
}

function lossNotes(words: readonly ExpertWords[]): string[] {
  const tokens = Math.max(
    0,
    ...words.map(({ evidence }) => evidence?.notFinite ?? 0)
  );
  return tokens > 0
    ? [
        `the model has no finite loss on ${counted(tokens, 'token')}, which are left out of what it predicts without an expert; diagnose says where its NaN or infinite values come from`
      ]
    : [];
}
