import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import {
  ceiling,
  denseValues,
  probabilities,
  rankOf,
  tokenRateCeiling,
  weightCeiling
} from 'moe-debugger/charts';
import {
  tokensOf,
  type Measure,
  type RoutingLayer,
  type RoutingSample,
  type RunStep,
  type Token,
  type TraceRows,
  type View
} from 'moe-debugger/protocol';
import { coverageOf, type ICoverage } from './coverage';
import { GrowingSample } from './growing-sample';
import { checkDrawable } from './limits';

/**
 * The state of a routing view: a document, and the user's position in it. Views, commands and live widgets change
 * it and follow its signal.
 */
export class RoutingModel implements IDisposable {
  constructor(options: RoutingModel.IOptions) {
    this._view = options.view;
    this._coverage = options.coverage;
    this._steps = options.run?.steps ?? [];
    this._isLive = options.run?.isLive ?? false;
    this._layerIndex = options.view.state.layerIndex;
    this._measure = options.measure ?? options.view.state.measure;
    if (!this.hasProbabilities) {
      this._measure = 'weight';
    }
  }

  get changed(): ISignal<this, RoutingModel.Change> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get view(): View {
    return this._view;
  }

  /** Whether more tokens come: the document is a trace in the making. */
  get isLive(): boolean {
    return this._isLive;
  }

  /** The steps of the first sample; empty where the document does not tell. */
  get steps(): readonly RunStep[] {
    return this._steps;
  }

  /** Shows another document; keeps the layer, the measure and the samples, if the document has them. */
  setView(
    view: View,
    coverage?: ICoverage,
    { steps = [], isLive = false }: RoutingModel.IRun = {}
  ): void {
    this._view = view;
    this._coverage = coverage;
    this._steps = steps;
    this._isLive = isLive;
    this._growing = undefined;
    this._values.clear();
    this._ceilings.clear();
    this._cursor = null;
    this._layerIndex = clamp(this._layerIndex, this.layerCount);
    this._samples = this._samples.map(i => clamp(i, view.samples.length));
    if (!this.hasProbabilities) {
      this._measure = 'weight';
    }
    this._changed.emit('view');
  }

  /**
   * Adds rows to the trace in the making that is shown.
   * @returns false where rows before them are missing: the document must be fetched again
   * @throws ProtocolError for rows that do not fit, or are too many to draw
   */
  append(rows: TraceRows): boolean {
    const [shown] = this._view.samples;
    const growing = (this._growing ??= new GrowingSample(shown));
    const before = shown.tokens.length;
    if (!growing.append(rows)) {
      return false;
    }
    const view = { ...this._view, samples: [growing.sample] };
    if (growing.sample.tokens.length > before) {
      this._view = checkDrawable(view);
      this._coverage = undefined;
      this._steps = [...this._steps, ...rows.steps];
      this._values.clear();
      this._raise(rows);
      this._changed.emit('rows');
    }
    return true;
  }

  /** No more tokens come: what there is stays. */
  end(): void {
    if (this._isLive) {
      this.setView(this._view, undefined, { steps: this._steps });
    }
  }

  get coverage(): ICoverage {
    return (
      this._coverage ?? this._view.coverage ?? coverageOf(this._view.samples)
    );
  }

  /** The routers of the slider: those of the sample, or of the longer one in a comparison. */
  get layerCount(): number {
    return Math.max(...this.panes.map(pane => this.sample(pane).layers.length));
  }

  get layerIndex(): number {
    return this._layerIndex;
  }
  set layerIndex(value: number) {
    const index = clamp(value, this.layerCount);
    if (index !== this._layerIndex) {
      this._layerIndex = index;
      this._cursor = this._valid(this._cursor);
      this._changed.emit('layer');
    }
  }

  get measure(): Measure {
    return this._measure;
  }
  set measure(value: Measure) {
    const measure = this.hasProbabilities ? value : 'weight';
    if (measure !== this._measure) {
      this._measure = measure;
      this._changed.emit('measure');
    }
  }

  /** Whether the document contains the routers' logits. */
  get hasProbabilities(): boolean {
    return this._view.samples.every(sample =>
      sample.layers.every(
        layer => layer.logits.length > 0 || layer.selected.length === 0
      )
    );
  }

  get display(): RoutingModel.Display {
    return this._display;
  }
  set display(value: RoutingModel.Display) {
    if (value !== this._display) {
      this._display = value;
      this._changed.emit('display');
    }
  }

  /** 0, or 0 and 1 in a comparison. */
  get panes(): readonly number[] {
    return this._view.view === 'comparison' && this._view.samples.length > 1
      ? [0, 1]
      : [0];
  }

  /** The index of the sample that a pane shows. */
  sampleIndex(pane: number): number {
    return this._samples[pane] ?? 0;
  }

  setSampleIndex(pane: number, value: number): void {
    const index = clamp(value, this._view.samples.length);
    if (index !== this._samples[pane]) {
      this._samples[pane] = index;
      this._layerIndex = clamp(this._layerIndex, this.layerCount);
      this._cursor = this._valid(this._cursor);
      this._changed.emit('sample');
    }
  }

  sample(pane: number): RoutingSample {
    return this._view.samples[this.sampleIndex(pane)];
  }

  /** Undefined if this pane's sample has no such layer. */
  layer(pane: number): RoutingLayer | undefined {
    return this.sample(pane).layers[this._layerIndex];
  }

  tokens(pane: number): readonly Token[] {
    const layer = this.layer(pane);
    return layer ? tokensOf(this.sample(pane), layer) : [];
  }

  /** Columns of the heatmap: while tokens come there is room for more, so that the axis stays. */
  columns(pane: number): number {
    const { length } = this.tokens(pane);
    return this._isLive
      ? Math.max(LEAST_COLUMNS, 2 ** Math.ceil(Math.log2(length + 1)))
      : length;
  }

  /** Values of the heatmap, [tokens, experts]; NaN for a cell without a value. */
  values(pane: number): Float32Array {
    const layer = this.layer(pane);
    if (!layer) {
      return new Float32Array(0);
    }
    const key = `${this.sampleIndex(pane)}/${this._layerIndex}/${this._measure}`;
    let values = this._values.get(key);
    if (!values) {
      values =
        this._measure === 'weight'
          ? denseValues(layer, 'weight')
          : this.probabilities(layer);
      this._values.set(key, values);
    }
    return values;
  }

  /** Upper end of the colour scale: one for all layers and samples, so that colours can be compared. */
  get ceiling(): number {
    return this._once(this._measure, () =>
      this._measure === 'weight'
        ? weightCeiling(this._view.samples)
        : ceiling(peakProbability(this._view.samples))
    );
  }

  /** Upper end of the load bars' axis. */
  get tokenRateCeiling(): number {
    // Rates of few tokens jump: the axis of a trace in the making is that of all rates.
    return this._isLive
      ? 1
      : this._once('rate', () => tokenRateCeiling(this._view.samples));
  }

  /** The cell of the keyboard cursor. */
  get cursor(): RoutingModel.ICell | null {
    return this._cursor;
  }
  set cursor(cell: RoutingModel.ICell | null) {
    this._cursor = this._valid(cell);
    this._changed.emit('cursor');
  }

  /** The values of a cell; undefined outside the heatmap. */
  read(cell: RoutingModel.ICell): RoutingModel.IReading | undefined {
    const layer = this.layer(cell.pane);
    const token = this.tokens(cell.pane)[cell.token];
    if (!layer || !token || cell.expert < 0 || cell.expert >= layer.experts) {
      return undefined;
    }
    const start = cell.token * layer.topK;
    const selected = layer.selected.subarray(start, start + layer.topK);
    const slot = selected.indexOf(cell.expert);
    const weights = layer.weights.subarray(start, start + layer.topK);
    return {
      token,
      expert: cell.expert,
      weight: slot < 0 ? null : (weights[slot] ?? null),
      rank: slot < 0 ? null : rankOf(weights, slot),
      probability:
        layer.logits.length === 0
          ? null
          : this.probabilities(layer)[cell.token * layer.experts + cell.expert]
    };
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._values.clear();
    Signal.clearData(this);
  }

  /** A router's probabilities, [tokens, experts]; NaN where the logits were left out. */
  probabilities(layer: RoutingLayer): Float32Array {
    let values = this._routers.get(layer);
    if (!values) {
      values = probabilities(layer);
      this._routers.set(layer, values);
    }
    return values;
  }

  /** Scales only grow while tokens come, by what the new ones hold. */
  private _raise({ tokens, layers }: TraceRows): void {
    const fresh = [{ id: '', tokens: [...tokens], layers: [...layers] }];
    const raise = (key: Measure, value: number): void => {
      const known = this._ceilings.get(key);
      if (known !== undefined && value > known) {
        this._ceilings.set(key, value);
      }
    };
    raise('weight', weightCeiling(fresh));
    raise('probability', ceiling(peakProbability(fresh)));
  }

  private _once(key: string, compute: () => number): number {
    let value = this._ceilings.get(key);
    if (value === undefined) {
      value = compute();
      this._ceilings.set(key, value);
    }
    return value;
  }

  private _valid(cell: RoutingModel.ICell | null): RoutingModel.ICell | null {
    return cell && this.panes.includes(cell.pane) && this.read(cell)
      ? cell
      : null;
  }

  private _changed = new Signal<this, RoutingModel.Change>(this);
  private _ceilings = new Map<string, number>();
  private _coverage: ICoverage | undefined;
  private _cursor: RoutingModel.ICell | null = null;
  private _display: RoutingModel.Display = 'heatmap';
  private _growing: GrowingSample | undefined;
  private _isDisposed = false;
  private _isLive: boolean;
  private _layerIndex: number;
  private _measure: Measure;
  private _routers = new WeakMap<RoutingLayer, Float32Array>();
  private _samples = [0, 1];
  private _steps: readonly RunStep[];
  private _values = new Map<string, Float32Array>();
  private _view: View;
}

export namespace RoutingModel {
  export interface IOptions {
    view: View;
    /** Overrides the measure of the document. */
    measure?: Measure;
    /** The capture, if the kernel sent it; else it is counted in the document. */
    coverage?: ICoverage;
    run?: IRun;
  }

  /** What is known of the run behind a document. */
  export interface IRun {
    steps?: readonly RunStep[];
    /** Whether `append` adds more tokens. */
    isLive?: boolean;
  }

  export type Display = 'heatmap' | 'table';
  export type Change =
    'view' | 'rows' | 'layer' | 'measure' | 'sample' | 'display' | 'cursor';

  export interface ICell {
    pane: number;
    /** Index into the pane's tokens. */
    token: number;
    expert: number;
  }

  export interface IReading {
    token: Token;
    expert: number;
    /** Null for an expert that the token did not select, and where weights were not recorded. */
    weight: number | null;
    /** Null for an expert that the token did not select. */
    rank: number | null;
    /** Null when the logits were left out. */
    probability: number | null;
  }
}

/** Of a trace in the making. */
const LEAST_COLUMNS = 64;

function clamp(index: number, count: number): number {
  return Math.max(0, Math.min(Math.round(index), count - 1));
}

function peakProbability(samples: readonly RoutingSample[]): number {
  let peak = 0;
  for (const sample of samples) {
    for (const layer of sample.layers) {
      for (const value of probabilities(layer)) {
        if (value > peak && value < Infinity) {
          peak = value;
        }
      }
    }
  }
  return peak;
}
