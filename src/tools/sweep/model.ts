import type { SweepMeasure } from 'moe-debugger/charts';
import {
  layerName,
  type SweepAction,
  type SweepRow,
  type SweepState
} from 'moe-debugger/protocol';
import { clamp, type ICell } from '../layer-grid';
import { ToolModel } from '../model';

/** A sweep with the state of its view: the selected expert, and the coloured effect. */
export class SweepModel extends ToolModel<SweepState, SweepAction> {
  constructor(options: ToolModel.IOptions<SweepState>) {
    super(options);
    this._index();
  }

  get measure(): SweepMeasure {
    return this._measure;
  }
  set measure(measure: SweepMeasure) {
    this._measure = measure;
    this._index();
    this.emit();
  }

  get cursor(): ICell {
    return this._cursor;
  }
  set cursor({ row, expert }: ICell) {
    const { routers } = this.state.sweep ?? {};
    if (routers) {
      const y = clamp(row, routers.length);
      this._cursor = { row: y, expert: clamp(expert, routers[y].experts) };
      this._isChosen = true;
      this.emit();
    }
  }

  /** Largest absolute value of the colour scale. */
  get peak(): number {
    return this._peak;
  }

  /** The effects of an expert; undefined if it was not swept. */
  at({ row, expert }: ICell): SweepRow | undefined {
    return this._rows.get(`${row}/${expert}`);
  }

  protected override onState(): void {
    this._index();
  }

  private _index(): void {
    const { sweep } = this.state;
    const routers = new Map(
      sweep?.routers.map((own, i) => [layerName(own), i])
    );
    this._rows = new Map(
      sweep?.rows.map(row => [
        `${routers.get(layerName(row))}/${row.expert}`,
        row
      ])
    );
    this._peak = 0;
    let strongest = 0;
    for (const [key, row] of this._rows) {
      this._peak = Math.max(this._peak, Math.abs(row[this._measure] ?? 0));
      if (!this._isChosen && (row.klMean ?? 0) > strongest) {
        // Until the user selects an expert, the strongest is selected.
        strongest = row.klMean!;
        const [at, expert] = key.split('/').map(Number);
        this._cursor = { row: at, expert };
      }
    }
  }

  private _cursor: ICell = { row: 0, expert: 0 };
  private _isChosen = false;
  private _measure: SweepMeasure = 'klMean';
  private _peak = 0;
  private _rows = new Map<string, SweepRow>();
}
