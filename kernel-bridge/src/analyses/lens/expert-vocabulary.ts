/**
 * The tokens that an expert raises and lowers most, over a corpus: its direct effect on the logits (direct logit
 * attribution; Elhage et al. 2021), final norm included. For each token that selects the expert: the logits of the final
 * residual stream minus those without the expert's output. Its effects through later layers are not removed.
 */
import type { Progress } from '../../base/progress';
import { probedSession } from '../../run/edits/edited-sessions';
import { outputsOfExpert } from '../../run/activations/expert-outputs';
import { recordActivations } from '../../run/activations/record-activations';
import type { EditedRun } from '../../run/edits/edited-session';
import type { Edits } from '../../run/edits/edits';
import { checkExpert } from '../../run/edits/resolve-edits';
import { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel } from '../../run/model/loaded-model';
import {
  promptList,
  type Prompt,
  type TokenizedPrompt
} from '../../run/model/prompt';
import { findPlace, layerName, type RouterPlace } from '../../base/protocol';
import { project } from './project';
import { checkTop } from './ranking';

export interface VocabularyOptions extends RouterPlace {
  expert: number;
  prompts: Prompt | readonly Prompt[];
  /** Length of each list. Default 10. */
  top?: number;
  signal?: AbortSignal;
  /** Called after each prompt. */
  onProgress?: (progress: Progress) => void;
}

/** A token and the mean change of its logit, relative to the mean change of all logits, which softmax ignores. */
export interface LogitChange {
  id: number;
  text?: string;
  change: number;
}

export interface ExpertVocabulary extends RouterPlace {
  expert: number;
  /** From activations: what the expert did on these prompts, not what its weights could do. */
  by: 'activation';
  /** Tokens that select the expert, and all tokens. */
  tokens: number;
  of: number;
  raised: LogitChange[];
  lowered: LogitChange[];
}

/**
 * @param edits that the prompts run with
 * @throws MoEDebuggerError 'input' when no token of the prompts selects the expert, for a layer or an expert that does not
 * exist, or for what does not fit; 'model-unsupported'; 'cancelled'
 */
export async function expertVocabulary(
  model: LoadedModel,
  {
    expert,
    prompts,
    top = 10,
    signal,
    onProgress,
    ...place
  }: VocabularyOptions,
  edits: Edits = {}
): Promise<ExpertVocabulary> {
  checkTop(top);
  const router = findPlace(place, model.routers, 'input');
  checkExpert(expert, model.routers[router], '', 'input');
  const target = await probedSession(model).resolve(edits).run();
  const list = promptList(prompts).map((prompt, i) =>
    model.tokenize(prompt, i)
  );
  const effect = new DirectEffect(model, target, router, expert, edits, signal);
  for (const [i, prompt] of list.entries()) {
    await effect.add(prompt);
    onProgress?.({ done: i + 1, total: list.length });
  }
  if (effect.tokens === 0) {
    throw new MoEDebuggerError(
      'input',
      `no token of the prompts selects expert ${expert}`,
      {
        where: layerName(model.routers[router]),
        hint: 'give other prompts: "moe-debugger trace" shows which experts they select'
      }
    );
  }
  return {
    ...place,
    expert,
    by: 'activation',
    tokens: effect.tokens,
    of: effect.of,
    raised: effect.strongest(top, 1),
    lowered: effect.strongest(top, -1)
  };
}

/** Accumulates one expert's effect on the logits of tokens that select it. */
class DirectEffect {
  tokens = 0;
  of = 0;
  private _sum?: Float64Array;

  constructor(
    private readonly _model: LoadedModel,
    private readonly _target: EditedRun,
    private readonly _router: number,
    private readonly _expert: number,
    private readonly _edits: Edits,
    private readonly _signal?: AbortSignal
  ) {}

  async add(prompt: TokenizedPrompt): Promise<void> {
    const recorded = await recordActivations(
      this._model,
      this._target,
      prompt,
      { residual: true, outputs: [this._router] },
      this._signal
    );
    const routing = recorded.routing[this._router];
    const { selected, weights, topK } = routing;
    this.of += selected.length / topK;
    if (!selected.includes(this._expert)) {
      return;
    }
    const added = await outputsOfExpert(
      this._model,
      prompt,
      {
        router: this._router,
        routing,
        added: recorded.outputs.get(this._router)!
      },
      this._expert,
      { edits: this._edits, signal: this._signal }
    );
    const last = recorded.residual.at(-1)!.values;
    const width = (added.length * topK) / selected.length;
    const slots = [...selected.keys()].filter(
      slot => selected[slot] === this._expert && weights[slot] !== 0
    );
    // Each token's stream with the expert's output, then without it.
    const vectors = new Float32Array(2 * slots.length * width);
    slots.forEach((slot, i) => {
      const t = Math.floor(slot / topK);
      for (let d = 0; d < width; d++) {
        const own = last[t * width + d];
        vectors[2 * i * width + d] = own;
        vectors[(2 * i + 1) * width + d] =
          own - weights[slot] * added[t * width + d];
      }
    });
    this.tokens += slots.length;
    await project(
      this._model,
      vectors,
      width,
      (logits, i) => this._sumUp(logits, i % 2 === 0 ? 1 : -1),
      this._signal
    );
  }

  strongest(count: number, sign: 1 | -1): LogitChange[] {
    const changes = this._sum!.map(value => value / this.tokens);
    const mean =
      changes.reduce((sum, value) => sum + value, 0) / changes.length;
    return [...changes.keys()]
      .sort((a, b) => sign * (changes[b] - changes[a]) || a - b)
      .slice(0, count)
      .map(id => {
        const text = this._model.tokenizer?.piece(id);
        return {
          id,
          ...(text === undefined ? {} : { text }),
          change: changes[id] - mean
        };
      });
  }

  private _sumUp(logits: Float32Array, sign: 1 | -1): void {
    const sum = (this._sum ??= new Float64Array(logits.length));
    for (let id = 0; id < logits.length; id++) {
      sum[id] += sign * logits[id];
    }
  }
}
