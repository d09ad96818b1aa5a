/** Base of tools that generate with an edit, next to the text without it. */
import { editedSession } from '../../run/edits/edited-sessions';
import type { Edits } from '../../run/edits/edits';
import type { MoEDebuggerError } from '../../base/errors';
import type { Generation } from '../../run/generation/generation';
import type { GenerateOptions } from '../../run/generation/options';
import { currentKernel } from '../../base/kernel-api';
import type { LoadedModel } from '../../run/model/loaded-model';
import {
  layerName,
  type EditedTextState,
  type ExpertRow,
  type RouterIdentity
} from '../../base/protocol';
import { ModelTool } from './model-tool';
import type { ToolPrompt } from './tool-prompt';
import { watchedGeneration } from './watched-generation';

export interface EditedTextOptions extends Pick<
  GenerateOptions,
  'maxNewTokens' | 'temperature' | 'topK' | 'topP' | 'seed' | 'stop'
> {
  /** Prompt to generate from. Default: one that the user types. */
  prompt?: ToolPrompt;
}

const DEFAULT_NEW_TOKENS = 32;

export abstract class EditedTextTool<
  State extends EditedTextState,
  Action
> extends ModelTool<State, Action> {
  private readonly _sampling: GenerateOptions;
  private _original?: Generation;
  private _edited?: Generation;
  /** Prompt of `_original`. */
  private _generated?: string;

  protected constructor(
    model: LoadedModel,
    state: State,
    { prompt: _prompt, maxNewTokens: _most, ...sampling }: EditedTextOptions
  ) {
    super(model, state);
    // Both sides use the same seed, otherwise differences would be random.
    this._sampling = {
      ...sampling,
      ...(sampling.temperature && sampling.seed === undefined
        ? { seed: Math.floor(Math.random() * 2 ** 32) }
        : {})
    };
  }

  /** The last generation without edits. */
  get original(): Generation | undefined {
    return this._original;
  }

  /** The last generation with edits; undefined without edits. */
  get edited(): Generation | undefined {
    return this._edited;
  }

  /** The current edits, for `model.with`. */
  abstract get edits(): Edits;

  /**
   * Generates what is missing: without edits, then with them. Cancels work for older edits. Resolves when both are done; an
   * error goes to the state's `refusal`.
   */
  generate(): Promise<void> {
    return this.state.prompt === ''
      ? Promise.resolve()
      : this._run(signal => this._generate(signal));
  }

  protected override _shown(): void {
    if (currentKernel() && this.state.original === null) {
      void this.generate();
    }
  }

  /** Routers whose token rates are reported. */
  protected abstract get _rated(): readonly ExpertRow[];
  /** Layers that an error may name. */
  protected abstract get _places(): readonly Pick<
    RouterIdentity,
    'layer' | 'stack' | 'module'
  >[];

  protected override _refuse(error: unknown, row: number | null = null): void {
    const { where } = error as Partial<MoEDebuggerError>;
    const named = this._places.findIndex(own => layerName(own) === where);
    super._refuse(error, named >= 0 ? named : row);
  }

  /** Generates from another prompt. */
  protected _begin(prompt: string, maxNewTokens: number): void {
    this._patch({ prompt, maxNewTokens, refusal: null });
    void this.generate();
  }

  /** Generates with other edits. */
  protected _restart(): void {
    this._edited = undefined;
    this._patch({ edited: null, refusal: null });
    void this.generate();
  }

  private async _generate(signal: AbortSignal): Promise<void> {
    const { maxNewTokens } = this.state;
    const prompt = this._input(this.state.prompt);
    const options = { ...this._sampling, maxNewTokens, signal };
    const { edits } = this;
    const wanted = JSON.stringify([prompt, maxNewTokens]);
    this._patch({ refusal: null, edited: null });
    if (this._generated !== wanted) {
      this._generated = undefined;
      this._original = await watchedGeneration(
        this.model,
        async () => this.model,
        prompt,
        options,
        this._rated,
        original => this._patch({ original })
      );
      if (this._original.finishReason === 'cancelled') {
        return;
      }
      this._generated = wanted;
    }
    if (Object.keys(edits).length > 0 && !signal.aborted) {
      this._edited = await watchedGeneration(
        this.model,
        editedSession(this.model).resolve(edits).run,
        prompt,
        options,
        this._rated,
        edited => this._patch({ edited })
      );
    }
  }

  private _patch(patch: Partial<EditedTextState>): void {
    this._set(patch as Partial<State>);
  }
}

/** The initial state. */
export function editedTextState(
  prompt: string,
  { maxNewTokens = DEFAULT_NEW_TOKENS }: EditedTextOptions
): EditedTextState {
  return {
    running: false,
    prompt,
    maxNewTokens,
    original: null,
    edited: null,
    refusal: null
  };
}
