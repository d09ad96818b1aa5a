/** A grid of layers and experts to switch off, swap or force, with what the model writes then beside what it wrote. */
import type { Edits } from '../edits/edits';
import { MoEDebuggerError } from '../errors';
import type { Generation } from '../generation/generation';
import type { GenerateOptions } from '../generation/options';
import { currentKernel } from '../kernel/api';
import type { MoEModel } from '../model/moe-model';
import {
  describeExperts,
  layerName,
  readExpertsAction,
  type ExpertEdit,
  type ExpertRow,
  type ExpertsAction,
  type ExpertsState
} from '../protocol';
import type { RoutingTrace } from '../trace/routing-trace';
import {
  checkRow,
  EditHistory,
  isEmpty,
  toEdits,
  withEdit,
  withTopK,
  type ExpertEdits
} from './expert-edits';
import { ModelTool } from './model-tool';
import { tokenRates, watchedGeneration } from './watched-generation';

export interface ExpertSelectorOptions extends Pick<
  GenerateOptions,
  'maxNewTokens' | 'temperature' | 'topK' | 'topP' | 'seed' | 'stop'
> {
  /** What the model writes on from; without one, and without a trace, a person is to type it. */
  prompt?: string | readonly number[];
  /** A run whose prompt is taken, and whose token rates colour the grid, until something is generated. */
  trace?: RoutingTrace;
}

const DEFAULT_NEW_TOKENS = 32;

export class ExpertSelector extends ModelTool<ExpertsState, ExpertsAction> {
  readonly name = 'experts';
  private readonly _sampling: GenerateOptions;
  private readonly _history: EditHistory;
  private _original?: Generation;
  private _edited?: Generation;
  /** What `_original` was generated from. */
  private _generated?: string;

  /** Runs nothing: that begins when it is shown with a prompt, or at `generate`. */
  constructor(model: MoEModel, options: ExpertSelectorOptions = {}) {
    const {
      trace,
      prompt = trace ? promptOf(model, trace) : '',
      maxNewTokens = DEFAULT_NEW_TOKENS,
      ...sampling
    } = options;
    const rows = model.layers.flatMap(card => (card.moe ? [rowOf(card)] : []));
    const none: ExpertEdits = { edits: [], topK: rows.map(() => null) };
    super(model, {
      running: false,
      rows,
      prompt: promptText(prompt),
      maxNewTokens,
      edits: [],
      topK: [...none.topK],
      canUndo: false,
      canRedo: false,
      traced: trace ? tokenRates(trace, rows) : null,
      original: null,
      edited: null,
      refusal: null
    });
    this._history = new EditHistory(none);
    // Both sides draw alike, or every difference would be one of chance.
    this._sampling = {
      ...sampling,
      ...(sampling.temperature && sampling.seed === undefined
        ? { seed: Math.floor(Math.random() * 2 ** 32) }
        : {})
    };
  }

  /** The edits as they stand, for `model.with`. */
  get edits(): Edits {
    return toEdits(this._history.current, this.state.rows);
  }

  /** What the model wrote last without edits. */
  get original(): Generation | undefined {
    return this._original;
  }

  /** What it wrote with them; undefined without edits. */
  get edited(): Generation | undefined {
    return this._edited;
  }

  /**
   * Writes what is not there yet: without edits, then with them. Ends what runs for older ones. Settles when both are
   * there; an error is told in the state's `refusal`.
   */
  generate(): Promise<void> {
    if (this.state.prompt === '') {
      return Promise.resolve();
    }
    return this._run(signal => this._generate(signal));
  }

  /** Begins with another trace, while nothing was done yet. */
  override offer(trace: RoutingTrace): void {
    const { original, running, canUndo, rows } = this.state;
    if (!original && !running && !canUndo) {
      this._set({
        traced: tokenRates(trace, rows),
        prompt: promptText(promptOf(this.model, trace))
      });
    }
  }

  override toString(): string {
    return describeExperts(this.model.name, this.state);
  }

  protected override _shown(): void {
    if (currentKernel() && this.state.original === null) {
      void this.generate();
    }
  }

  protected _read(action: unknown): ExpertsAction {
    return readExpertsAction(action);
  }

  protected _do(action: ExpertsAction): void {
    const { rows } = this.state;
    const { current } = this._history;
    switch (action.do) {
      case 'edit': {
        const { row, expert, kind, to } = action;
        checkRow(row, rows);
        const edit: ExpertEdit | null = kind && {
          row,
          expert,
          kind,
          ...(to === undefined ? {} : { to })
        };
        this._commit(withEdit(current, action, edit), row);
        break;
      }
      case 'top-k':
        checkRow(action.row, rows);
        this._commit(withTopK(current, action.row, action.k, rows), action.row);
        break;
      case 'clear':
        this._commit({ edits: [], topK: rows.map(() => null) }, null);
        break;
      case 'undo':
        this._history.undo();
        this._follow();
        break;
      case 'redo':
        this._history.redo();
        this._follow();
        break;
      case 'generate':
        this._set({
          prompt: action.prompt,
          maxNewTokens: action.maxNewTokens,
          refusal: null
        });
        void this.generate();
        break;
      case 'cancel':
        void this.cancel();
        break;
    }
  }

  protected _refuse(error: unknown, row: number | null = null): void {
    const { where } = error as Partial<MoEDebuggerError>;
    const named = this.state.rows.findIndex(each => layerName(each) === where);
    this._set({
      refusal: {
        text: error instanceof Error ? error.message : String(error),
        row: named >= 0 ? named : row
      }
    });
  }

  /** Takes edits that this model can run with, and runs with them. */
  private _commit(next: ExpertEdits, row: number | null): void {
    try {
      if (!isEmpty(next)) {
        this.model.with(toEdits(next, this.state.rows));
      }
    } catch (error) {
      this._refuse(error, row);
      return;
    }
    this._history.push(next);
    this._follow();
  }

  private _follow(): void {
    const { current, canUndo, canRedo } = this._history;
    this._edited = undefined;
    this._set({
      edits: [...current.edits],
      topK: [...current.topK],
      canUndo,
      canRedo,
      edited: null,
      refusal: null
    });
    void this.generate();
  }

  private async _generate(signal: AbortSignal): Promise<void> {
    const { rows, maxNewTokens } = this.state;
    const prompt = this._prompt();
    const options = { ...this._sampling, maxNewTokens, signal };
    const { current } = this._history;
    const wanted = JSON.stringify([prompt, maxNewTokens]);
    this._set({ refusal: null, edited: null });
    if (this._generated !== wanted) {
      this._generated = undefined;
      this._original = await watchedGeneration(
        this.model,
        prompt,
        options,
        rows,
        original => this._set({ original })
      );
      if (this._original.finishReason === 'cancelled') {
        return;
      }
      this._generated = wanted;
    }
    if (!isEmpty(current) && !signal.aborted) {
      this._edited = await watchedGeneration(
        this.model.with(toEdits(current, rows)),
        prompt,
        options,
        rows,
        edited => this._set({ edited })
      );
    }
  }

  /** Models without a tokenizer take token ids. */
  private _prompt(): string | number[] {
    const { prompt } = this.state;
    if (this.model.tokenizer) {
      return prompt;
    }
    const ids = prompt.split(/[\s,]+/).filter(Boolean);
    if (!ids.every(id => /^\d+$/.test(id))) {
      throw new MoEDebuggerError('input', 'the model has no tokenizer', {
        where: 'prompt',
        hint: 'give token ids, as in 1, 2, 3'
      });
    }
    return ids.map(Number);
  }
}

/** What a trace's first sample was made from, as far as its tokens tell. */
function promptOf(
  { tokenizer }: MoEModel,
  { samples: [sample] }: RoutingTrace
): string | number[] {
  const ids = (sample.encoderTokens ?? sample.tokens).map(({ id }) => id);
  return tokenizer ? tokenizer.decode(ids) : ids;
}

/** As it stands in a text box. */
function promptText(prompt: string | readonly number[]): string {
  return typeof prompt === 'string' ? prompt : prompt.join(', ');
}

function rowOf({ layer, stack, module, experts, topK }: ExpertRow): ExpertRow {
  return {
    layer,
    ...(stack ? { stack } : {}),
    ...(module ? { module } : {}),
    experts,
    topK
  };
}
