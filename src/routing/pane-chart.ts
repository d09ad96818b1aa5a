import type { RoutingLayer } from 'moe-debugger/protocol';
import { Chart, Drawing, type ChartView, type IChartTheme } from '../drawing';
import type { ITranslation } from '../translation';
import type { RoutingModel } from './model';

export interface IPaneOptions {
  model: RoutingModel;
  /** Index of the pane; 0 without a comparison. */
  pane: number;
  trans: ITranslation;
}

export interface ISize {
  width: number;
  height: number;
}

/**
 * A chart of the layer that a pane shows. Another layer replaces the data; if it has other axes, or the chart has
 * another size or theme, the chart is created again.
 */
export abstract class PaneChart extends Drawing {
  /** @param host element of the chart; default: that of the drawing */
  constructor(
    protected readonly options: IPaneOptions,
    className: string,
    host?: HTMLElement
  ) {
    super(className);
    this.chart = new Chart(host ?? this.node);
  }

  /** Resolves when the requested state is drawn. */
  get drawn(): Promise<void> {
    return this._drawn;
  }

  rebuild(size: ISize, theme: IChartTheme): void {
    this._size = size;
    this._theme = theme;
    this._drawn = this._rebuild();
  }

  redraw(): void {
    this.describe();
    const { view } = this;
    if (view) {
      this._drawn = this.fill(view);
    } else if (this._size) {
      this._drawn = this._rebuild();
    }
  }

  override dispose(): void {
    this.chart.dispose();
    super.dispose();
  }

  protected readonly chart: Chart;

  protected get size(): ISize | undefined {
    return this._size;
  }

  /** The chart, if its axes are those of the layer. */
  protected get view(): ChartView | undefined {
    return this._shape === this.shape() ? this.chart.view : undefined;
  }

  /** Identifies axes and scales. */
  protected abstract shape(): string;
  /** Sets the description for screen readers. */
  protected abstract describe(): void;
  /** Draws axes and scales. Resolves to undefined if a later call came first. */
  protected abstract build(
    layer: RoutingLayer,
    size: ISize,
    theme: IChartTheme
  ): Promise<ChartView | undefined>;
  /** Draws the layer's data. */
  protected abstract fill(view: ChartView): Promise<void>;

  private async _rebuild(): Promise<void> {
    const { model, pane } = this.options;
    const layer = model.layer(pane);
    if (!layer || !this._size || !this._theme) {
      return;
    }
    this.describe();
    const shape = this.shape();
    this._shape = '';
    const view = await this.build(layer, this._size, this._theme);
    if (view && !this.isDisposed) {
      this._shape = shape;
      await (shape === this.shape() ? this.fill(view) : this._rebuild());
    }
  }

  private _drawn: Promise<void> = Promise.resolve();
  private _shape = '';
  private _size: ISize | undefined;
  private _theme: IChartTheme | undefined;
}
