import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { characterRuns, type TokenCharacters } from 'moe-debugger/charts';
import type { RoutingLayer, Token } from 'moe-debugger/protocol';
import type { RoutingModel } from '../model';
import { lineStarts, type ILabel } from './labels';
import {
  centred,
  containing,
  panned,
  within,
  zoomed,
  type IRange
} from './range';
import { rowsOf, type IRows } from './lanes';
import { TokenTextIndex } from './search';

/** Narrower columns, in pixels, do not open at once: the first tokens are shown, and the strip shows all. */
const LEAST_COLUMN = 4;
/** The width of columns that have labels, in pixels. */
const LABELLED_COLUMN = 14;

/** What of a pane's heatmap is in view: the range of tokens, the rows, and what is searched for. */
export class Viewport implements IDisposable {
  constructor(
    readonly model: RoutingModel,
    readonly pane: number,
    /** Whether all tokens are in view until somebody zooms, however narrow they are. */
    private readonly _options: { isWhole?: boolean } = {}
  ) {
    this._tokens = this.tokens;
    model.changed.connect(this._onModel, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this.model.changed.disconnect(this._onModel, this);
      Signal.clearData(this);
    }
  }

  /** Columns of the whole sample. */
  get columns(): number {
    return this.model.columns(this.pane);
  }

  get tokens(): readonly Token[] {
    return this.model.tokens(this.pane);
  }

  /** The width of the cells' area, in pixels. */
  get width(): number {
    return this._width;
  }
  set width(value: number) {
    if (value !== this._width) {
      this._width = value;
      this._changed.emit();
    }
  }

  /** The columns in view. */
  get range(): IRange {
    const { columns } = this;
    return within(this._range ?? this._opening(), columns);
  }
  set range(value: IRange) {
    this._range = within(value, this.columns);
    this._changed.emit();
  }

  get isWhole(): boolean {
    const { from, to } = this.range;
    return from <= 0 && to >= this.columns;
  }

  /** Width of a column, in pixels. */
  get columnWidth(): number {
    const { from, to } = this.range;
    return to > from ? this._width / (to - from) : 0;
  }

  /** @param at the column that stays; default: the cursor's, if it is in view, else the middle */
  zoom(factor: number, at?: number): void {
    const { range } = this;
    const { cursor } = this.model;
    const isIn =
      cursor?.pane === this.pane &&
      cursor.token >= range.from &&
      cursor.token < range.to;
    const middle = isIn ? cursor.token + 0.5 : (range.from + range.to) / 2;
    this.range = zoomed(range, factor, at ?? middle, this.columns);
  }

  pan(by: number): void {
    this.range = panned(this.range, by, this.columns);
  }

  showAll(): void {
    this.range = { from: 0, to: this.columns };
  }

  /** Moves the tokens into view. */
  reveal(wanted: IRange, { isCentred = false } = {}): void {
    const { range } = this;
    const isIn = wanted.from >= range.from && wanted.to <= range.to;
    if (!isIn) {
      this.range = isCentred
        ? centred(range, wanted, this.columns)
        : containing(range, wanted, this.columns);
    }
  }

  /** Tokens chosen to zoom to; undefined for none. */
  get chosen(): IRange | undefined {
    return this._chosen;
  }
  set chosen(value: IRange | undefined) {
    this._chosen = value;
    this._changed.emit();
  }

  zoomToChosen(): void {
    if (this._chosen) {
      const { from, to } = this._chosen;
      this._chosen = undefined;
      this.range = { from, to };
    }
  }

  /** Whether each of many experts has a row. */
  get isOpen(): boolean {
    return this._isOpen;
  }
  set isOpen(value: boolean) {
    this._isOpen = value;
    this._changed.emit();
  }

  /** Whether colours follow the logarithm of the value. */
  get isLog(): boolean {
    return this._isLog;
  }
  set isLog(value: boolean) {
    this._isLog = value;
    this._changed.emit();
  }

  /** The rows of the layer in focus. */
  rows(): IRows {
    const layer = this.model.layer(this.pane);
    const { cursor } = this.model;
    const kept = cursor?.pane === this.pane ? cursor.expert : undefined;
    const known = this._rows;
    if (
      known?.layer !== layer ||
      known?.kept !== kept ||
      known?.isOpen !== this._isOpen
    ) {
      const isOpen = this._isOpen;
      this._rows = {
        layer,
        kept,
        isOpen,
        rows: rowsOf(this.wholeLoads, { isOpen, kept })
      };
    }
    return this._rows!.rows;
  }

  /** Selections of each expert of the layer in focus by all tokens: counted once a layer. */
  get wholeLoads(): Float64Array {
    const layer = this.model.layer(this.pane);
    if (this._whole?.layer !== layer || !this._whole) {
      this._whole = { layer, loads: this.loads() };
    }
    return this._whole.loads;
  }

  /** Selections of each expert of the layer in focus, by tokens of a range; default: all. */
  loads(range?: IRange): Float64Array {
    const layer = this.model.layer(this.pane);
    const counts = new Float64Array(layer?.experts ?? 0);
    if (layer) {
      const { selected, topK } = layer;
      const from = range ? Math.max(0, Math.floor(range.from)) * topK : 0;
      const to = range
        ? Math.min(selected.length, Math.ceil(range.to) * topK)
        : selected.length;
      for (let slot = from; slot < to; slot++) {
        if (selected[slot] >= 0) {
          counts[selected[slot]]++;
        }
      }
    }
    return counts;
  }

  /** Runs of tokens that make a character together. */
  get characters(): readonly TokenCharacters[] {
    return this._read().characters;
  }

  /** The lines of the text. */
  get lines(): readonly ILabel[] {
    return this._read().lines;
  }

  /** The tokens of the character that a token is a part of, or the token alone. */
  character(token: number): IRange {
    const run = this.characters.find(
      ({ from, to }) => token >= from && token < to
    );
    return run
      ? { from: run.from, to: run.to }
      : { from: token, to: token + 1 };
  }

  /** What is searched for in the text. */
  get query(): string {
    return this._query;
  }
  set query(value: string) {
    if (value !== this._query) {
      this._query = value;
      this._hit = -1;
      this._hits = undefined;
      this._changed.emit();
    }
  }

  /** The tokens of each hit, in their order. */
  get hits(): readonly IRange[] {
    return (this._hits ??= this._read().text.find(this._query));
  }

  /** Index of the hit that was gone to; -1 for none. */
  get hit(): number {
    return this._hit;
  }

  /** Goes to the next hit, or to the one before; after the last comes the first. */
  goToHit(step: 1 | -1): void {
    const { hits, model, pane } = this;
    if (hits.length === 0) {
      return;
    }
    this._hit =
      this._hit < 0
        ? this._hitFrom(step)
        : (this._hit + step + hits.length) % hits.length;
    const hit = hits[this._hit];
    this.reveal(hit, { isCentred: true });
    const layer = model.layer(pane);
    model.cursor = {
      pane,
      token: hit.from,
      expert: Math.max(0, layer?.selected[hit.from * layer.topK] ?? 0)
    };
    this._changed.emit();
  }

  /** The first hit after what is in view begins, or the last one before it ends. */
  private _hitFrom(step: 1 | -1): number {
    const { hits, range } = this;
    if (step === 1) {
      return Math.max(
        0,
        hits.findIndex(({ from }) => from >= range.from)
      );
    }
    const before = hits.filter(({ to }) => to <= range.to).length;
    return (before + hits.length - 1) % hits.length;
  }

  /** The range before anybody zooms: all tokens, or as many as can be read. While tokens come, the last ones. */
  private _opening(): IRange {
    const { columns, tokens } = this;
    if (
      this._options.isWhole ||
      this._width === 0 ||
      this._width / columns >= LEAST_COLUMN
    ) {
      return { from: 0, to: columns };
    }
    const width = Math.floor(this._width / LABELLED_COLUMN);
    return this.model.isLive
      ? { from: tokens.length - width, to: tokens.length }
      : { from: 0, to: width };
  }

  private _onModel(_: RoutingModel, change: RoutingModel.Change): void {
    if (this.tokens !== this._tokens) {
      const isLonger = change === 'rows';
      this._tokens = this.tokens;
      this._known = undefined;
      this._hits = undefined;
      if (!isLonger) {
        this._range = undefined;
        this._chosen = undefined;
        this._hit = -1;
      }
    }
    const { cursor } = this.model;
    if (change === 'cursor' && cursor?.pane === this.pane) {
      this.reveal({ from: cursor.token, to: cursor.token + 1 });
    }
    if (change === 'cursor' || change === 'rows' || change === 'sample') {
      this._changed.emit();
    }
  }

  private _read(): IKnown {
    const { tokens } = this;
    if (this._known?.tokens !== tokens) {
      const characters = characterRuns(tokens);
      this._known = {
        tokens,
        characters,
        lines: lineStarts(tokens, characters),
        text: new TokenTextIndex(tokens, characters)
      };
    }
    return this._known;
  }

  private _changed = new Signal<this, void>(this);
  private _chosen: IRange | undefined;
  private _hit = -1;
  private _hits: readonly IRange[] | undefined;
  private _isDisposed = false;
  private _isLog = false;
  private _isOpen = false;
  private _known: IKnown | undefined;
  private _query = '';
  /** Undefined until somebody zooms. */
  private _range: IRange | undefined;
  private _rows:
    | {
        layer: RoutingLayer | undefined;
        kept: number | undefined;
        isOpen: boolean;
        rows: IRows;
      }
    | undefined;
  private _tokens: readonly Token[];
  private _whole:
    { layer: RoutingLayer | undefined; loads: Float64Array } | undefined;
  private _width = 0;
}

/** What is computed once for the tokens of a sample. */
interface IKnown {
  tokens: readonly Token[];
  characters: readonly TokenCharacters[];
  lines: readonly ILabel[];
  text: TokenTextIndex;
}
