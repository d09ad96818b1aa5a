/** What tools share that write with an edit beside what the model wrote without. */
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
import type { RoutingTrace } from '../../run/trace/routing-trace';
import { ModelTool } from './model-tool';
import { watchedGeneration } from './watched-generation';

export interface EditedTextOptions extends Pick<
  GenerateOptions,
  'maxNewTokens' | 'temperature' | 'topK' | 'topP' | 'seed' | 'stop'
> {
  /** What the model writes on from; without one a person is to type it. */
  prompt?: string | readonly number[];
}

const DEFAULT_NEW_TOKENS = 32;

export abstract class EditedTextTool<
  State extends EditedTextState,
  Action
> extends ModelTool<State, Action> {
  private readonly _sampling: GenerateOptions;
  private _original?: Generation;
  private _edited?: Generation;
  /** What `_original` was generated from. */
  private _generated?: string;

  protected constructor(
    model: LoadedModel,
    state: State,
    { prompt: _prompt, maxNewTokens: _most, ...sampling }: EditedTextOptions
  ) {
    super(model, state);
    // Both sides draw alike, or every difference would be one of chance.
    this._sampling = {
      ...sampling,
      ...(sampling.temperature && sampling.seed === undefined
        ? { seed: Math.floor(Math.random() * 2 ** 32) }
        : {})
    };
  }

  /** What the model wrote last without edits. */
  get original(): Generation | undefined {
    return this._original;
  }

  /** What it wrote with them; undefined without edits. */
  get edited(): Generation | undefined {
    return this._edited;
  }

  /** The edits as they stand, for `model.with`. */
  abstract get edits(): Edits;

  /**
   * Writes what is not there yet: without edits, then with them. Ends what runs for older ones. Settles when both are
   * there; an error is told in the state's `refusal`.
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

  /** Routers whose token rates are told. */
  protected abstract get _rated(): readonly ExpertRow[];
  /** Layers that an error may name. */
  protected abstract get _places(): readonly Pick<
    RouterIdentity,
    'layer' | 'stack' | 'module'
  >[];

  protected override _refuse(error: unknown, row: number | null = null): void {
    const { where } = error as Partial<MoEDebuggerError>;
    const named = this._places.findIndex(own => layerName(own) === where);
    this._patch({
      refusal: {
        text: error instanceof Error ? error.message : String(error),
        row: named >= 0 ? named : row
      }
    });
  }

  /** Writes on from another prompt. */
  protected _begin(prompt: string, maxNewTokens: number): void {
    this._patch({ prompt, maxNewTokens, refusal: null });
    void this.generate();
  }

  /** Writes with other edits. */
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

/** The state at the beginning. */
export function editedTextState({
  prompt = '',
  maxNewTokens = DEFAULT_NEW_TOKENS
}: EditedTextOptions): EditedTextState {
  return {
    running: false,
    prompt: promptText(prompt),
    maxNewTokens,
    original: null,
    edited: null,
    refusal: null
  };
}

/** What a trace's first sample was made from, as far as its tokens tell. */
export function promptOf(
  { tokenizer }: LoadedModel,
  { samples: [sample], promptTokens }: RoutingTrace
): string {
  const given = sample.encoderTokens ?? sample.tokens.slice(0, promptTokens);
  const ids = given.map(({ id }) => id);
  return tokenizer ? tokenizer.decode(ids) : promptText(ids);
}

/** As it stands in a text box. */
function promptText(prompt: string | readonly number[]): string {
  return typeof prompt === 'string' ? prompt : prompt.join(', ');
}
