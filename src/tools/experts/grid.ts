import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';
import { labelStride } from 'moe-debugger/charts';
import { layerName, type ExpertEdit } from 'moe-debugger/protocol';
import { takeKeys } from '../../routing/own-keys';
import { KINDS, editText, kindOfKey } from './kinds';
import type { ExpertsModel, ICell } from './model';

/** Of a column's number, in pixels. */
const LABEL_WIDTH = 20;
const PAGE = 8;

/**
 * Layers by experts, coloured by token rate. Elements are made once and changed in place: a grid may have thousands,
 * and tokens stream beside it. The grid has the focus, and tells by `aria-activedescendant` where in it the cursor is.
 */
export class ExpertGrid extends Widget {
  constructor(private _options: ExpertGrid.IOptions) {
    super();
    this.id = `moe-experts-${UUID.uuid4()}`;
    this.addClass('moe-ExpertGrid');
    const { node } = this;
    node.setAttribute('role', 'grid');
    node.setAttribute('aria-label', _options.trans.__('Experts by layer'));
    node.tabIndex = 0;
    takeKeys(node);
    node.addEventListener('click', this);
    node.addEventListener('keydown', this);
    this._observer = new ResizeObserver(() => this._labelColumns());
    this._observer.observe(node);
    this.redraw();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._observer.disconnect();
      super.dispose();
    }
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
      this._options.model.cursor = cell;
      this._options.model.toggle(cell);
    }
  }

  /** Follows the model. */
  redraw(): void {
    const { model } = this._options;
    const { rows } = model.state;
    const shape = rows.map(row => `${layerName(row)}/${row.experts}`).join(' ');
    if (shape !== this._shape) {
      this._shape = shape;
      this._build();
    }
    const { cursor, swapping, ceiling } = model;
    const edits = new Map(
      model.state.edits.map(edit => [`${edit.row}/${edit.expert}`, edit])
    );
    this.node.setAttribute('aria-disabled', String(!model.isLive));
    this._rows.forEach((cells, row) => {
      const rates = model.rates(row);
      cells.forEach((node, expert) => {
        const edit = edits.get(`${row}/${expert}`);
        this._paint(node, { row, expert }, rates?.[expert], ceiling, edit);
        node.classList.toggle(
          'moe-mod-current',
          cursor.row === row && cursor.expert === expert
        );
        node.classList.toggle(
          'moe-mod-swapping',
          swapping?.row === row && swapping.expert === expert
        );
      });
      this._paintTopK(row);
    });
    this.node.setAttribute(
      'aria-activedescendant',
      this._rows[cursor.row]?.[cursor.expert]?.id ?? ''
    );
    this._showRefusal();
  }

  private _build(): void {
    const { rows } = this._options.model.state;
    const { trans } = this._options;
    const most = Math.max(...rows.map(({ experts }) => experts));
    this.node.style.setProperty('--moe-experts', String(most));
    this.node.setAttribute('aria-rowcount', String(rows.length + 1));
    this.node.setAttribute('aria-colcount', String(most + 2));
    this._columns = Array.from({ length: most }, (_, expert) =>
      element('columnheader', 'moe-ExpertGrid-column', String(expert))
    );
    const head = element('row', 'moe-ExpertGrid-row');
    head.append(
      element('columnheader', 'moe-ExpertGrid-corner', trans.__('expert')),
      ...this._columns,
      element('columnheader', 'moe-ExpertGrid-k', 'k')
    );
    const bodies = rows.map((entry, row) => {
      const body = element('row', 'moe-ExpertGrid-row');
      const cells = Array.from({ length: entry.experts }, (_, expert) => {
        const cell = element('gridcell', 'moe-ExpertGrid-cell');
        cell.id = `${this.id}-${row}-${expert}`;
        cell.dataset.row = String(row);
        cell.dataset.expert = String(expert);
        return cell;
      });
      const k = element('gridcell', 'moe-ExpertGrid-k');
      body.append(
        element('rowheader', 'moe-ExpertGrid-name', layerName(entry)),
        ...cells,
        k
      );
      return { body, cells, k };
    });
    this._rows = bodies.map(({ cells }) => cells);
    this._topK = bodies.map(({ k }) => k);
    this._bodies = bodies.map(({ body }) => body);
    this.node.replaceChildren(head, ...this._bodies);
    this._labelColumns();
  }

  private _paint(
    node: HTMLElement,
    cell: ICell,
    rate: number | undefined,
    ceiling: number,
    edit: ExpertEdit | undefined
  ): void {
    const { model, trans } = this._options;
    const share = ceiling > 0 ? Math.round((100 * (rate ?? 0)) / ceiling) : 0;
    const key = `${share}/${rate}/${edit?.kind}/${edit?.to}`;
    if (node.dataset.drawn === key) {
      return;
    }
    node.dataset.drawn = key;
    node.style.setProperty('--moe-rate', `${share}%`);
    node.dataset.edit = edit?.kind ?? '';
    node.textContent = edit ? `${KINDS[edit.kind].sign}${edit.to ?? ''}` : '';
    const text = [
      trans.__(
        '%1, expert %2',
        layerName(model.state.rows[cell.row]),
        cell.expert
      ),
      ...(rate === undefined
        ? []
        : [trans.__('token rate %1', rate.toFixed(3))]),
      ...(edit ? [editText(edit, trans)] : [])
    ].join(', ');
    node.setAttribute('aria-label', text);
    node.title = text;
  }

  private _paintTopK(row: number): void {
    const { model, trans } = this._options;
    const own = model.state.rows[row].topK;
    const k = model.state.topK[row];
    const node = this._topK[row];
    node.textContent = String(k ?? own);
    node.classList.toggle('moe-mod-edited', k !== null);
    node.title =
      k === null
        ? trans.__('%1 experts a token', own)
        : trans.__('%1 experts a token; the model itself takes %2', k, own);
  }

  /** The kernel's words, under the layer that they are about. */
  private _showRefusal(): void {
    const { refusal } = this._options.model.state;
    const row = refusal?.row ?? null;
    const text = row === null ? '' : refusal!.text;
    if (this._refusal?.textContent === text && text !== '') {
      return;
    }
    this._refusal?.remove();
    this._refusal = undefined;
    if (row !== null) {
      const cell = element('gridcell', 'moe-ExpertGrid-refusal');
      const alert = element('alert', '', text);
      cell.append(alert);
      this._refusal = element('row', 'moe-ExpertGrid-row');
      this._refusal.append(cell);
      this._bodies[row].after(this._refusal);
    }
  }

  /** Numbers as many columns as have room. */
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
    const { model } = this._options;
    const { cursor } = model;
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
    const move = MOVES[key];
    if (move) {
      model.cursor = move(cursor);
      this._rows[model.cursor.row][model.cursor.expert].scrollIntoView({
        block: 'nearest',
        inline: 'nearest'
      });
      return true;
    }
    const kind = kindOfKey(key);
    if (kind) {
      model.toggle(cursor, kind);
    } else if (key === 'Enter' || key === ' ') {
      model.toggle(cursor);
    } else if (key === 'Delete' || key === 'Backspace') {
      model.remove(cursor);
    } else if (key === 'Escape' && model.swapping) {
      model.escape();
    } else {
      return false;
    }
    return true;
  }

  private _bodies: HTMLElement[] = [];
  private _columns: HTMLElement[] = [];
  private _observer: ResizeObserver;
  private _refusal: HTMLElement | undefined;
  private _rows: HTMLElement[][] = [];
  private _shape = '';
  private _topK: HTMLElement[] = [];
}

export namespace ExpertGrid {
  export interface IOptions {
    model: ExpertsModel;
    trans: TranslationBundle;
  }
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
