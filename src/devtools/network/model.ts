import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type {
  FilterProblem,
  TokenOrder,
  TokenPage,
  TokenPageLayer,
  TokenQuestion,
  TokenRow
} from 'moe-debugger/protocol';
import type { ITraceSource } from '../../source';

/** Rows that are asked for at once. */
const PAGE = 200;
const MOST_PAGES = 40;
/** Time that typing may rest before the list is asked for, in milliseconds. */
const REST = 200;

/** A row of the list with its page's layers. */
export interface IListedToken {
  token: TokenRow;
  layers: readonly TokenPageLayer[];
  /** Index into the arrays of the layers. */
  row: number;
}

/** The list of a trace's tokens: filter, order, and the pages that were read of it. */
export class NetworkModel implements IDisposable {
  constructor(private _source: ITraceSource) {
    _source.changed.connect(this._onSourceChanged, this);
    this._revision = _source.revision;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get filter(): string {
    return this._filter;
  }
  set filter(value: string) {
    if (value !== this._filter) {
      this._filter = value;
      clearTimeout(this._timer);
      this._timer = setTimeout(() => this._reset(), REST) as unknown as number;
      this._changed.emit();
    }
  }

  get order(): NetworkModel.IOrder {
    return this._order;
  }
  set order(value: NetworkModel.IOrder) {
    this._order = value;
    this._reset();
  }

  /** Tokens that the filter accepts; undefined before the first answer. */
  get matches(): number | undefined {
    return this._first?.matches;
  }

  get total(): number | undefined {
    return this._first?.total;
  }

  /** What is wrong with the filter. */
  get problems(): readonly FilterProblem[] {
    return this._first?.problems ?? [];
  }

  get layers(): readonly TokenPageLayer[] {
    return this._first?.layers ?? [];
  }

  get error(): string | undefined {
    return this._error;
  }

  /** Whether rows are being read. */
  get isReading(): boolean {
    return this._asked.size > 0;
  }

  /** Whether the list is on the screen: a hidden one does not follow a trace that grows. */
  get isShown(): boolean {
    return this._isShown;
  }
  set isShown(value: boolean) {
    this._isShown = value;
    this._onSourceChanged();
  }

  /** Asks for the first page, unless it is there. */
  open(): void {
    if (!this._first && this._source.outline) {
      this._ask(0);
    }
  }

  /** A row of the list; undefined until it is read, which begins at the first call. */
  at(index: number): IListedToken | undefined {
    const number = Math.floor(index / PAGE);
    const page = this._pages.get(number);
    if (!page) {
      this._ask(number);
      return undefined;
    }
    const row = index - page.from;
    return row < page.rows.length
      ? { token: page.rows[row], layers: page.layers, row }
      : undefined;
  }

  /** The index in the list of a token that was read; undefined for others. */
  indexOf(token: number): number | undefined {
    for (const page of this._pages.values()) {
      const row = page.rows.findIndex(({ index }) => index === token);
      if (row >= 0) {
        return page.from + row;
      }
    }
    return undefined;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._timer);
    this._source.changed.disconnect(this._onSourceChanged, this);
    Signal.clearData(this);
  }

  private _onSourceChanged(): void {
    if (this._isShown && this._source.revision !== this._revision) {
      this._revision = this._source.revision;
      this._reset();
    }
  }

  /** Asks anew. What is shown stays until the answer comes. */
  private _reset(): void {
    this._turn++;
    this._asked.clear();
    this._error = undefined;
    this._isOutdated = true;
    this._ask(0);
  }

  private _ask(number: number): void {
    if (
      this._asked.has(number) ||
      !this._source.isLive ||
      (this._error !== undefined && !this._isOutdated)
    ) {
      return;
    }
    const turn = this._turn;
    this._asked.add(number);
    const question: TokenQuestion = {
      filter: this._filter,
      ...this._order,
      from: number * PAGE,
      count: PAGE
    };
    this._source.tokens(question).then(
      page => this._keep(turn, number, page),
      (error: unknown) => {
        if (turn === this._turn && !this._isDisposed) {
          this._asked.delete(number);
          this._isOutdated = false;
          this._error = error instanceof Error ? error.message : String(error);
          this._changed.emit();
        }
      }
    );
  }

  private _keep(turn: number, number: number, page: TokenPage): void {
    if (turn !== this._turn || this._isDisposed) {
      return;
    }
    this._asked.delete(number);
    if (this._isOutdated) {
      this._pages.clear();
      this._isOutdated = false;
    }
    this._pages.set(number, page);
    if (this._pages.size > MOST_PAGES) {
      const [oldest] = this._pages.keys();
      this._pages.delete(oldest);
    }
    this._first = page;
    this._changed.emit();
  }

  private _asked = new Set<number>();
  private _changed = new Signal<this, void>(this);
  private _error: string | undefined;
  private _filter = '';
  /** The page that came last: its counts and layers hold for all. */
  private _first: TokenPage | undefined;
  private _isDisposed = false;
  private _isShown = true;
  /** Whether the pages answer an earlier question. */
  private _isOutdated = false;
  private _order: NetworkModel.IOrder = {
    order: 'position',
    layerIndex: 0,
    isDescending: false
  };
  private _pages = new Map<number, TokenPage>();
  private _revision: number;
  private _timer: number | undefined;
  private _turn = 0;
}

export namespace NetworkModel {
  export interface IOrder {
    order: TokenOrder;
    layerIndex: number;
    isDescending: boolean;
  }
}
