import type { ITranslation } from '../../translation';
import { layerName } from 'moe-debugger/protocol';
import type { ICell, ICellLook, IGridSource } from '../layer-grid';
import { KINDS, editText, kindOfKey } from './kinds';
import type { ExpertsModel } from './model';

/** The selector's grid: colours are token rates, signs are edits, and keys edit. */
export class ExpertGridSource implements IGridSource {
  constructor(
    private _model: ExpertsModel,
    private _trans: ITranslation
  ) {
    this.label = _trans.__('Experts by layer');
  }

  readonly label: string;

  get rows(): { name: string; experts: number }[] {
    return this._model.state.rows.map(row => ({
      name: layerName(row),
      experts: row.experts
    }));
  }

  get isDisabled(): boolean {
    return !this._model.isLive;
  }

  get cursor(): ICell {
    return this._model.cursor;
  }
  set cursor(cell: ICell) {
    this._model.cursor = cell;
  }

  get note(): { row: number; text: string } | undefined {
    const { refusal } = this._model.state;
    return refusal && refusal.row !== null
      ? { row: refusal.row, text: refusal.text }
      : undefined;
  }

  readonly tail = {
    heading: 'k',
    of: (row: number) => {
      const own = this._model.state.rows[row].topK;
      const k = this._model.state.topK[row];
      return {
        text: String(k ?? own),
        title:
          k === null
            ? this._trans.__('%1 experts per token', own)
            : this._trans.__(
                '%1 experts per token; the model itself takes %2',
                k,
                own
              ),
        isMarked: k !== null
      };
    }
  };

  look(cell: ICell): ICellLook {
    const { _model: model, _trans: trans } = this;
    const rate = model.rates(cell.row)?.[cell.expert];
    const edit = model.editAt(cell);
    const { ceiling, swapping } = model;
    return {
      share: ceiling > 0 ? (rate ?? 0) / ceiling : 0,
      sign: edit ? `${KINDS[edit.kind].sign}${edit.to ?? ''}` : '',
      mark:
        swapping?.row === cell.row && swapping.expert === cell.expert
          ? 'waiting'
          : (edit?.kind ?? ''),
      value: rate,
      label: () =>
        [
          trans.__(
            '%1, expert %2',
            layerName(model.state.rows[cell.row]),
            cell.expert
          ),
          ...(rate === undefined
            ? []
            : [trans.__('token rate %1', rate.toFixed(3))]),
          ...(edit ? [editText(edit, trans)] : [])
        ].join(', ')
    };
  }

  activate(cell: ICell): void {
    this._model.toggle(cell);
  }

  onKey(event: KeyboardEvent): boolean {
    const { _model: model } = this;
    const { key } = event;
    if (event.ctrlKey || event.metaKey) {
      const action = { z: event.shiftKey ? 'redo' : 'undo', y: 'redo' }[
        key.toLowerCase()
      ] as 'undo' | 'redo' | undefined;
      if (action) {
        model.send({ do: action });
      }
      return action !== undefined;
    }
    const kind = kindOfKey(key);
    if (kind) {
      model.toggle(model.cursor, kind);
    } else if (key === 'Delete' || key === 'Backspace') {
      model.remove(model.cursor);
    } else if (key === 'Escape' && model.swapping) {
      model.escape();
    } else {
      return false;
    }
    return true;
  }
}
