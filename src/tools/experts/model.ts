import {
  readExpertsState,
  type ExpertEdit,
  type ExpertEditKind,
  type ExpertsAction,
  type ExpertsState
} from 'moe-debugger/protocol';
import { ToolModel } from '../model';

/** A cell of the grid. */
export interface ICell {
  row: number;
  expert: number;
}

/** The run that colours the grid. */
export type Side = 'original' | 'edited';

/** The expert selector, and what a view of it remembers: the cursor, what a click does, whose rates are shown. */
export class ExpertsModel extends ToolModel<ExpertsState, ExpertsAction> {
  constructor(options: { modelName: string; state: unknown }) {
    super({ ...options, read: readExpertsState });
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

  /** The expert that waits for another one to run in its place. */
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

  /** Upper end of the colours: one for all rows and both sides, so that they can be compared. */
  get ceiling(): number {
    const { original, edited, traced } = this.state;
    return [original?.rates ?? traced, edited?.rates]
      .flatMap(rates => rates ?? [])
      .reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), 0);
  }

  editAt({ row, expert }: ICell): ExpertEdit | undefined {
    return this.state.edits.find(
      edit => edit.row === row && edit.expert === expert
    );
  }

  /** What a click or Enter does: edits the expert, takes the same edit back, or names the substitute of a swap. */
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
  }

  private _cursor: ICell = { row: 0, expert: 0 };
  private _mode: ExpertEditKind = 'mask';
  private _side: Side = 'original';
  private _swapping: ICell | null = null;
}

function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(index, count - 1));
}
