/** Runs prompts and sums up what experts of one layer do to the logits. */
import { MoEDebuggerError } from '../../../base/errors';
import { layerName } from '../../../base/protocol';
import type { OutputsAndMean } from '../../../run/activations/expert-outputs';
import {
  recordActivations,
  type Activations
} from '../../../run/activations/record-activations';
import type { EditedRun } from '../../../run/edits/edited-session';
import { probedSession } from '../../../run/edits/edited-sessions';
import type { Edits } from '../../../run/edits/edits';
import type { LoadedModel } from '../../../run/model/loaded-model';
import type { TokenizedPrompt } from '../../../run/model/prompt';
import { expertEffects, totalEffectRefusal } from './expert-effects';
import { ExpertSums } from './expert-sums';
import type { Half } from './vocabulary-data';
import { TokenGroups } from './token-groups';
import { sketchUnembedding } from './unembedding-sketch';
import { findUntrained, type UntrainedTokens } from './untrained-tokens';

export interface LayerSums {
  /** Tokens of the prompts. */
  tokens: number;
  vocabulary: number;
  contrastWith: OutputsAndMean['meanOf'];
  effect: 'total' | 'direct';
  /** Why it is not the total effect that was asked for. */
  refusal?: string;
  untrained: UntrainedTokens;
  groups: TokenGroups;
  /** Only experts that some token selects. */
  experts: Map<number, ExpertSums>;
}

export interface SumOptions {
  router: number;
  experts: readonly number[];
  edits: Edits;
  effect: 'total' | 'direct';
  /** Whether lists may have tokens that training never had. */
  untrained: boolean;
  /** By prompt. */
  halves: readonly Half[];
  signal?: AbortSignal;
  onPrompt: () => void;
}

/** What the sums of all experts may take: 4 GiB. */
const MAX_BYTES = 2 ** 32;
const BYTES_PER_TOKEN = 18 * 8;

export async function sumLayer(
  model: LoadedModel,
  prompts: readonly TokenizedPrompt[],
  { router, experts, edits, effect, untrained: keep, ...options }: SumOptions
): Promise<LayerSums> {
  const { halves, signal, onPrompt } = options;
  const target = await probedSession(model).resolve(edits).run();
  const first = await firstRun(model, target, prompts[0], signal);
  const sketch = await sketchUnembedding(model, first.width, signal);
  const { vocabulary } = sketch;
  const bytes = experts.length * vocabulary * BYTES_PER_TOKEN;
  if (bytes > MAX_BYTES) {
    throw new MoEDebuggerError(
      'input',
      `the sums of ${experts.length} experts over ${vocabulary} tokens take ${(bytes / 2 ** 30).toFixed(1)} GiB`,
      {
        where: layerName(model.routers[router]),
        hint: `ask for at most ${Math.floor(MAX_BYTES / vocabulary / BYTES_PER_TOKEN)} experts at once`
      }
    );
  }
  const refusal =
    effect === 'total'
      ? await totalEffectRefusal(
          model,
          router,
          first.recorded,
          vocabulary,
          first.tokens
        )
      : undefined;
  const untrained = findUntrained(
    sketch,
    model.tokenizer?.neverInText(vocabulary) ?? [],
    new Set(prompts.flatMap(({ ids, decoderIds }) => decoderIds ?? ids))
  );
  const kept = new Uint8Array(vocabulary).fill(1);
  untrained.ids.forEach(id => (kept[id] = keep ? 1 : 0));
  const sums: LayerSums = {
    tokens: 0,
    vocabulary,
    contrastWith: null,
    effect: refusal === undefined ? effect : 'direct',
    ...(refusal === undefined ? {} : { refusal }),
    untrained,
    groups: new TokenGroups(
      prompts,
      model.tokenizer && (id => model.tokenizer!.piece(id))
    ),
    experts: new Map()
  };
  for (const [i, prompt] of prompts.entries()) {
    const { tokens, meanOf, effects } = await expertEffects(
      model,
      target,
      prompt,
      { router, experts, vocabulary, effect: sums.effect, edits, signal }
    );
    sums.tokens += tokens;
    sums.contrastWith ??= meanOf;
    for (const effect of effects) {
      const own =
        sums.experts.get(effect.expert) ?? new ExpertSums(kept, sums.groups);
      sums.experts.set(effect.expert, own);
      own.add(effect, halves[i], prompt.domain);
    }
    onPrompt();
  }
  return sums;
}

async function firstRun(
  model: LoadedModel,
  target: EditedRun,
  prompt: TokenizedPrompt,
  signal?: AbortSignal
): Promise<{ recorded: Activations; width: number; tokens: number }> {
  const recorded = await recordActivations(
    model,
    target,
    prompt,
    { residual: true, logits: true },
    signal
  );
  const last = recorded.residual.at(-1);
  if (!last) {
    throw new MoEDebuggerError(
      'model-unsupported',
      'no residual stream was found upstream of the logits',
      {
        where: model.onnx.file,
        hint: 'export the model with its unembedding, as one graph'
      }
    );
  }
  const tokens = (prompt.decoderIds ?? prompt.ids).length;
  return { recorded, width: last.values.length / tokens, tokens };
}
