import type { ITranslation } from '../translation';
import { UUID } from '@lumino/coreutils';
import { labelStride } from 'moe-debugger/charts';
import { Drawing, takeKeys } from '../drawing';

/** Width of a column's number, in pixels. */
const LABEL_WIDTH = 20;
const PAGE = 8;

/** A cell of the grid: an expert of one of the layers shown. */
export interface ICell {
  row: number;
  expert: number;
}

/** Appearance and label of a cell. */
export interface ICellLook {
  /** Share of the strongest colour, 0 to 1. */
  share: number;
  /** Uses the second hue, for values below zero. */
  isNegative?: boolean;
  /** Text in the cell. */
  sign?: string;
  /** Name of a style for marked cells. */
  mark?: string;
  /** The rest of the label's content: the label changes only if one of these fields does. */
  value: number | null | undefined;
  label: () => string;
}

/** The content of a grid, and its actions. */
export interface IGridSource {
  readonly rows: readonly { name: string; experts: number }[];
  readonly label: string;
  /** Cells can be read, but not changed. */
  readonly isDisabled: boolean;
  cursor: ICell;
  look(cell: ICell): ICellLook;
  /** A click, Enter or Space. */
  activate(cell: ICell): void;
  /** Handles other keys. Returns whether it handled this one. */
  onKey?(event: KeyboardEvent): boolean;
  /** The last column: its heading and its cells. */
  readonly tail?: {
    heading: string;
    of: (row: number) => { text: string; title: string; isMarked: boolean };
  };
  /** A note under a row. */
  readonly note?: { row: number; text: string };
}

/**
 * A grid of layers by experts. Elements are created once and changed in place: a grid may have thousands, and tokens stream beside
 * it. The grid has the focus, and `aria-activedescendant` names the cell of the cursor.
 */
export class LayerGrid extends Drawing {
  constructor(private _options: LayerGrid.IOptions) {
    super('moe-LayerGrid');
    const { node } = this;
    node.id = `moe-grid-${UUID.uuid4()}`;
    node.setAttribute('role', 'grid');
    node.setAttribute('aria-label', _options.source.label);
    node.tabIndex = 0;
    takeKeys(node);
    node.addEventListener('click', this);
    node.addEventListener('keydown', this);
    this._observer = new ResizeObserver(() => this._labelColumns());
    this._observer.observe(node);
    this.redraw();
  }

  override dispose(): void {
    this._observer.disconnect();
    super.dispose();
  }

  handleEvent(event: Event): void {
    if (event.type === 'keydown') {
      if (this._onKey(event as KeyboardEvent)) {
        event.preventDefault();
        event.stopPropagation();
      }
      return;
    }
    const { row, expert } = (event.target as HTMLElement).dataset;
    if (row !== undefined && expert !== undefined) {
      const cell = { row: Number(row), expert: Number(expert) };
      this._options.source.cursor = cell;
      this._options.source.activate(cell);
    }
  }

  /** Draws the current content of the source. */
  redraw(): void {
    const { source } = this._options;
    const shape = JSON.stringify(source.rows);
    if (shape !== this._shape) {
      this._shape = shape;
      this._build();
    }
    const { cursor } = source;
    this.node.setAttribute('aria-disabled', String(source.isDisabled));
    this._rows.forEach((cells, row) => {
      cells.forEach((node, expert) =>
        this._paint(node, row, expert, source.look({ row, expert }))
      );
      this._paintTail(row);
    });
    const current = this._rows[cursor.row]?.[cursor.expert];
    if (current !== this._current) {
      this._current?.classList.remove('moe-mod-current');
      current?.classList.add('moe-mod-current');
      this._current = current;
    }
    this.node.setAttribute('aria-activedescendant', current?.id ?? '');
    this._showNote();
  }

  private _build(): void {
    const { source, trans } = this._options;
    const { rows, tail } = source;
    const most = Math.max(1, ...rows.map(({ experts }) => experts));
    this.node.style.setProperty('--moe-experts', String(most));
    this.node.style.setProperty(
      '--moe-name-length',
      String(Math.max(6, ...rows.map(({ name }) => name.length)))
    );
    this.node.setAttribute('aria-rowcount', String(rows.length + 1));
    this.node.setAttribute('aria-colcount', String(most + (tail ? 2 : 1)));
    this._columns = Array.from({ length: most }, (_, expert) =>
      element('columnheader', 'moe-LayerGrid-column', String(expert))
    );
    const head = element('row', 'moe-LayerGrid-row');
    head.append(
      element('columnheader', 'moe-LayerGrid-corner', trans.__('expert')),
      ...this._columns,
      ...(tail
        ? [element('columnheader', 'moe-LayerGrid-tail', tail.heading)]
        : [])
    );
    const bodies = rows.map((entry, row) => {
      const body = element('row', 'moe-LayerGrid-row');
      const cells = Array.from({ length: entry.experts }, (_, expert) => {
        const cell = element('gridcell', 'moe-LayerGrid-cell');
        cell.id = `${this.node.id}-${row}-${expert}`;
        cell.dataset.row = String(row);
        cell.dataset.expert = String(expert);
        return cell;
      });
      const end = element('gridcell', 'moe-LayerGrid-tail');
      body.append(
        element('rowheader', 'moe-LayerGrid-name', entry.name),
        ...cells,
        ...(tail ? [end] : [])
      );
      return { body, cells, end };
    });
    this._rows = bodies.map(({ cells }) => cells);
    this._tails = bodies.map(({ end }) => end);
    this._bodies = bodies.map(({ body }) => body);
    this._drawn = bodies.map(() => []);
    this._current = undefined;
    this._note = undefined;
    this.node.replaceChildren(head, ...this._bodies);
    this._labelColumns();
  }

  private _paint(
    node: HTMLElement,
    row: number,
    expert: number,
    look: ICellLook
  ): void {
    const share = Math.round(100 * Math.min(1, Math.max(0, look.share)));
    const { isNegative, mark, sign, value } = look;
    const key = `${share}/${isNegative}/${mark}/${sign}/${value}`;
    if (this._drawn[row][expert] === key) {
      return;
    }
    this._drawn[row][expert] = key;
    const label = look.label();
    node.style.setProperty('--moe-share', `${share}%`);
    node.dataset.mark = mark ?? '';
    node.classList.toggle('moe-mod-negative', isNegative ?? false);
    node.textContent = sign ?? '';
    node.setAttribute('aria-label', label);
    node.title = label;
  }

  private _paintTail(row: number): void {
    const tail = this._options.source.tail?.of(row);
    if (tail) {
      const node = this._tails[row];
      node.textContent = tail.text;
      node.title = tail.title;
      node.classList.toggle('moe-mod-edited', tail.isMarked);
    }
  }

  private _showNote(): void {
    const { note } = this._options.source;
    const shown = note && `${note.row}/${note.text}`;
    if (shown === this._shownNote && this._note) {
      return;
    }
    this._shownNote = shown;
    this._note?.remove();
    this._note = undefined;
    if (note) {
      const cell = element('gridcell', 'moe-LayerGrid-note');
      cell.append(element('alert', '', note.text));
      this._note = element('row', 'moe-LayerGrid-row');
      this._note.append(cell);
      this._bodies[note.row].after(this._note);
    }
  }

  /** Labels as many columns as fit. */
  private _labelColumns(): void {
    const width = this._columns.reduce(
      (sum, { offsetWidth }) => sum + offsetWidth,
      0
    );
    const stride =
      width === 0 ? 1 : labelStride(this._columns.length, width, LABEL_WIDTH);
    this._columns.forEach((node, expert) =>
      node.classList.toggle('moe-mod-unlabelled', expert % stride !== 0)
    );
  }

  private _onKey(event: KeyboardEvent): boolean {
    const { source } = this._options;
    const { key } = event;
    const move = MOVES[key];
    if (move && !event.ctrlKey && !event.metaKey) {
      const { row, expert } = move(source.cursor);
      const y = clamp(row, source.rows.length);
      source.cursor = { row: y, expert: clamp(expert, source.rows[y].experts) };
      this._rows[source.cursor.row][source.cursor.expert].scrollIntoView({
        block: 'nearest',
        inline: 'nearest'
      });
      return true;
    }
    if (key === 'Enter' || key === ' ') {
      source.activate(source.cursor);
      return true;
    }
    return source.onKey?.(event) ?? false;
  }

  private _bodies: HTMLElement[] = [];
  private _columns: HTMLElement[] = [];
  private _current: HTMLElement | undefined;
  /** What each cell shows. */
  private _drawn: string[][] = [];
  private _note: HTMLElement | undefined;
  private _observer: ResizeObserver;
  private _rows: HTMLElement[][] = [];
  private _shape = '';
  private _shownNote: string | undefined;
  private _tails: HTMLElement[] = [];
}

export namespace LayerGrid {
  export interface IOptions {
    source: IGridSource;
    trans: ITranslation;
  }
}

/** Limits an index to a non-empty list. */
export function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(index, count - 1));
}

const MOVES: Record<string, (cell: ICell) => ICell> = {
  ArrowRight: ({ row, expert }) => ({ row, expert: expert + 1 }),
  ArrowLeft: ({ row, expert }) => ({ row, expert: expert - 1 }),
  ArrowDown: ({ row, expert }) => ({ row: row + 1, expert }),
  ArrowUp: ({ row, expert }) => ({ row: row - 1, expert }),
  PageDown: ({ row, expert }) => ({ row: row + PAGE, expert }),
  PageUp: ({ row, expert }) => ({ row: row - PAGE, expert }),
  Home: ({ row }) => ({ row, expert: 0 }),
  End: ({ row }) => ({ row, expert: Infinity })
};

function element(role: string, className: string, text = ''): HTMLElement {
  const node = document.createElement('div');
  node.setAttribute('role', role);
  node.className = className;
  node.textContent = text;
  return node;
}
