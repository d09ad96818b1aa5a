import type { ITranslation } from '../../translation';
import { layerName } from 'moe-debugger/protocol';
import { figureText } from '../figure-text';
import type { ICell, ICellLook, IGridSource } from '../layer-grid';
import type { SweepModel } from './model';

/** A sweep's grid: colours are effects; a click opens the tokens. */
export class SweepGridSource implements IGridSource {
  constructor(
    private _model: SweepModel,
    private _trans: ITranslation
  ) {
    this.label = _trans.__('Effect of ablating each expert');
  }

  readonly label: string;
  readonly isDisabled = false;

  get rows(): { name: string; experts: number }[] {
    return (this._model.state.sweep?.routers ?? []).map(own => ({
      name: layerName(own),
      experts: own.experts
    }));
  }

  get cursor(): ICell {
    return this._model.cursor;
  }
  set cursor(cell: ICell) {
    this._model.cursor = cell;
  }

  look(cell: ICell): ICellLook {
    const { _model: model, _trans: trans } = this;
    const measured = model.at(cell);
    const value = measured?.[model.measure] ?? null;
    return {
      share:
        value === null || model.peak === 0 ? 0 : Math.abs(value) / model.peak,
      isNegative: value !== null && value < 0,
      mark: measured ? '' : 'unswept',
      value,
      label: () =>
        [
          trans.__('%1, expert %2', this.rows[cell.row].name, cell.expert),
          measured
            ? value === null
              ? trans.__('no finite value')
              : figureText(value)
            : trans.__('not measured')
        ].join(', ')
    };
  }

  /** Does nothing: the cursor is there already, and the tokens are shown. */
  activate(cell: ICell): void {
    this._model.cursor = cell;
  }
}
