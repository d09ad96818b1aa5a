/** Expert selector: a grid of layers and experts to ablate, swap or force, with the resulting text next to the original. */
import { editedSession } from '../../run/edits/edited-sessions';
import type { Edits } from '../../run/edits/edits';
import type { ModelHandle } from '../../run/model/loaded-model';
import {
  describeExperts,
  readExpertsAction,
  type ExpertEdit,
  type ExpertRow,
  type ExpertsAction,
  type ExpertsState
} from '../../base/protocol';
import type { RoutingTrace } from '../../run/trace/routing-trace';
import {
  editedTextState,
  EditedTextTool,
  type EditedTextOptions
} from './edited-text-tool';
import { firstPrompt, promptOf } from './tool-prompt';
import {
  checkRow,
  EditHistory,
  isEmpty,
  toEdits,
  withEdit,
  withTopK,
  type ExpertEdits
} from './expert-edits';
import { tokenRates } from './watched-generation';

export interface ExpertSelectorOptions extends EditedTextOptions {
  /** A run whose prompt is used, and whose token rates colour the grid before anything is generated. */
  trace?: RoutingTrace;
}

export class ExpertSelector extends EditedTextTool<
  ExpertsState,
  ExpertsAction
> {
  readonly name = 'experts';
  private readonly _history: EditHistory;

  /** @internal use `model.tools`. Runs nothing: that begins when it is shown with a prompt, or at `generate`. */
  constructor(
    { loaded: model }: ModelHandle,
    options: ExpertSelectorOptions = {}
  ) {
    const { trace, ...texts } = options;
    const rows = model.description.layers.flatMap(card =>
      card.moe ? [rowOf(card)] : []
    );
    const none: ExpertEdits = { edits: [], topK: rows.map(() => null) };
    super(
      model,
      {
        ...editedTextState(firstPrompt(model, texts.prompt, trace), texts),
        rows,
        edits: [],
        topK: [...none.topK],
        canUndo: false,
        canRedo: false,
        traced: trace ? tokenRates(trace, rows) : null
      },
      texts
    );
    this._history = new EditHistory(none);
  }

  get edits(): Edits {
    return toEdits(this._history.current, this.state.rows);
  }

  /** Uses another trace, if nothing was done yet. */
  override offer(trace: RoutingTrace): void {
    const { original, running, canUndo, rows } = this.state;
    if (!original && !running && !canUndo) {
      this._set({
        traced: tokenRates(trace, rows),
        prompt: promptOf(this.model, trace)
      });
    }
  }

  override toString(): string {
    return describeExperts(this.model.name, this.state);
  }

  protected get _rated(): readonly ExpertRow[] {
    return this.state.rows;
  }

  protected get _places(): readonly ExpertRow[] {
    return this.state.rows;
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
        this._begin(action.prompt, action.maxNewTokens);
        break;
      case 'cancel':
        void this.cancel();
        break;
    }
  }

  /** Applies edits that this model supports, and runs with them. */
  private _commit(next: ExpertEdits, row: number | null): void {
    try {
      if (!isEmpty(next)) {
        editedSession(this.model).resolve(toEdits(next, this.state.rows));
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
    this._set({
      edits: [...current.edits],
      topK: [...current.topK],
      canUndo,
      canRedo
    });
    this._restart();
  }
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
