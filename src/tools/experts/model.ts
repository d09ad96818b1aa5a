import {
  type ExpertEdit,
  type ExpertEditKind,
  type ExpertsAction,
  type ExpertsState
} from 'moe-debugger/protocol';
import { clamp, type ICell } from '../layer-grid';
import { ToolModel } from '../model';

/** The run that colours the grid. */
export type Side = 'original' | 'edited';

/** The expert selector with the state of its view: the cursor, the mode of clicks, and the coloured run. */
export class ExpertsModel extends ToolModel<ExpertsState, ExpertsAction> {
  constructor(options: ToolModel.IOptions<ExpertsState>) {
    super(options);
    this._index();
  }

  /** What a click on an expert does. */
  get mode(): ExpertEditKind {
    return this._mode;
  }
  set mode(mode: ExpertEditKind) {
    this._mode = mode;
    this._swapping = null;
    this.emit();
  }

  get cursor(): ICell {
    return this._cursor;
  }
  set cursor({ row, expert }: ICell) {
    const { rows } = this.state;
    const y = clamp(row, rows.length);
    this._cursor = { row: y, expert: clamp(expert, rows[y].experts) };
    this.emit();
  }

  /** The expert to be swapped, while its substitute is not yet selected. */
  get swapping(): ICell | null {
    return this._swapping;
  }

  get side(): Side {
    return this.state.edited?.rates ? this._side : 'original';
  }
  set side(side: Side) {
    this._side = side;
    this.emit();
  }

  /** Token rates of a row; undefined before anything was run. */
  rates(row: number): readonly number[] | undefined {
    const { original, edited, traced } = this.state;
    return this.side === 'edited'
      ? edited?.rates?.[row]
      : (original?.rates ?? traced)?.[row];
  }

  /** Upper end of the colour scale: the same for all rows and both runs, so that they can be compared. */
  get ceiling(): number {
    return this._ceiling;
  }

  editAt({ row, expert }: ICell): ExpertEdit | undefined {
    return this._edits.get(`${row}/${expert}`);
  }

  /** The action of a click or Enter: edits the expert, removes the same edit, or selects the substitute of a swap. */
  toggle(cell: ICell, mode: ExpertEditKind = this._mode): void {
    if (!this.isLive) {
      return;
    }
    const swapping = this._swapping;
    this._swapping = null;
    if (swapping?.row === cell.row && swapping.expert !== cell.expert) {
      this.send({ do: 'edit', ...swapping, kind: 'swap', to: cell.expert });
    } else if (swapping?.row === cell.row) {
      this.emit();
    } else if (this.editAt(cell)?.kind === mode) {
      this.send({ do: 'edit', ...cell, kind: null });
    } else if (mode === 'swap') {
      this._swapping = { ...cell };
      this.emit();
    } else {
      this.send({ do: 'edit', ...cell, kind: mode });
    }
  }

  remove(cell: ICell): void {
    if (this.editAt(cell)) {
      this.send({ do: 'edit', ...cell, kind: null });
    }
  }

  /** Stops waiting for a substitute. */
  escape(): void {
    this._swapping = null;
    this.emit();
  }

  protected override onState(): void {
    const { rows } = this.state;
    const row = clamp(this._cursor.row, rows.length);
    this._cursor = {
      row,
      expert: clamp(this._cursor.expert, rows[row].experts)
    };
    this._index();
  }

  /** Indexes the edits by cell. */
  private _index(): void {
    const { original, edited, traced, edits } = this.state;
    this._edits = new Map(
      edits.map(edit => [`${edit.row}/${edit.expert}`, edit])
    );
    this._ceiling = [original?.rates ?? traced, edited?.rates]
      .flatMap(rates => rates ?? [])
      .reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), 0);
  }

  private _ceiling = 0;
  private _cursor: ICell = { row: 0, expert: 0 };
  private _edits = new Map<string, ExpertEdit>();
  private _mode: ExpertEditKind = 'mask';
  private _side: Side = 'original';
  private _swapping: ICell | null = null;
}
