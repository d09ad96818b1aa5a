/** Edits as they stand in a grid of layers and experts, with their history. */
import type { Edits } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import {
  layerName,
  type ExpertEdit,
  type ExpertRow,
  type RouterPlace
} from '../../base/protocol';

export interface ExpertEdits {
  edits: readonly ExpertEdit[];
  /** One per row; null for the model's own k. */
  topK: readonly (number | null)[];
}

const MAX_STEPS = 200;

/** Undo and redo history. */
export class EditHistory {
  private readonly _past: ExpertEdits[] = [];
  private readonly _future: ExpertEdits[] = [];

  constructor(private _current: ExpertEdits) {}

  get current(): ExpertEdits {
    return this._current;
  }

  get canUndo(): boolean {
    return this._past.length > 0;
  }

  get canRedo(): boolean {
    return this._future.length > 0;
  }

  push(next: ExpertEdits): void {
    this._past.push(this._current);
    this._past.splice(0, this._past.length - MAX_STEPS);
    this._future.length = 0;
    this._current = next;
  }

  undo(): void {
    this._step(this._past, this._future);
  }

  redo(): void {
    this._step(this._future, this._past);
  }

  private _step(from: ExpertEdits[], to: ExpertEdits[]): void {
    const next = from.pop();
    if (next) {
      to.push(this._current);
      this._current = next;
    }
  }
}

/** Sets, replaces or removes an expert's edit: an expert has at most one. */
export function withEdit(
  { edits, topK }: ExpertEdits,
  { row, expert }: { row: number; expert: number },
  edit: ExpertEdit | null
): ExpertEdits {
  const others = edits.filter(
    each => each.row !== row || each.expert !== expert
  );
  return { edits: edit ? [...others, edit] : others, topK };
}

/** @param row null for all rows */
export function withTopK(
  { edits, topK }: ExpertEdits,
  row: number | null,
  k: number | null,
  rows: readonly ExpertRow[]
): ExpertEdits {
  return {
    edits,
    topK: topK.map((own, i) =>
      row !== null && i !== row ? own : k === rows[i].topK ? null : k
    )
  };
}

export function isEmpty({ edits, topK }: ExpertEdits): boolean {
  return edits.length === 0 && topK.every(k => k === null);
}

/** Converts to the edits of `model.with`. */
export function toEdits(
  { edits, topK }: ExpertEdits,
  rows: readonly ExpertRow[]
): Edits {
  const place = (row: number): RouterPlace => {
    const { layer, stack, module } = rows[row];
    return {
      layer,
      ...(stack ? { stack } : {}),
      ...(module ? { module } : {})
    };
  };
  const ablate = edits.flatMap(({ row, expert, kind, to }) =>
    kind === 'force'
      ? []
      : [
          {
            ...place(row),
            expert,
            mode: kind,
            ...(kind === 'swap' && to !== undefined ? { to } : {})
          }
        ]
  );
  const force = edits
    .filter(({ kind }) => kind === 'force')
    .map(({ row, expert }) => ({ ...place(row), expert }));
  const changed = topK.flatMap((k, row) =>
    k === null ? [] : [{ ...place(row), k }]
  );
  return {
    ...(ablate.length > 0 ? { ablate } : {}),
    ...(force.length > 0 ? { force } : {}),
    ...(changed.length > 0 ? { topK: changed } : {})
  };
}

/** @throws MoEDebuggerError 'edit' for a row that does not exist */
export function checkRow(row: number | null, rows: readonly ExpertRow[]): void {
  if (row !== null && rows[row] === undefined) {
    throw new MoEDebuggerError('edit', `there is no row ${row}`, {
      hint: `the rows 0 to ${rows.length - 1} are ${layerName(rows[0])} to ${layerName(rows[rows.length - 1])}`
    });
  }
}
