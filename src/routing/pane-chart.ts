import type { RoutingLayer } from 'moe-debugger/protocol';
import { Chart, Drawing, type ChartView, type IChartTheme } from '../drawing';
import type { ITranslation } from '../translation';
import type { RoutingModel } from './model';

export interface IPaneOptions {
  model: RoutingModel;
  /** Which of the panes of a comparison; 0 where there is one. */
  pane: number;
  trans: ITranslation;
}

export interface ISize {
  width: number;
  height: number;
}

/**
 * A chart of the layer that a pane shows. Another layer replaces the data; where that has other axes, or the chart gets
 * another size or theme, the chart is made anew.
 */
export abstract class PaneChart extends Drawing {
  /** @param host of the chart; the whole drawing where there is none */
  constructor(
    protected readonly options: IPaneOptions,
    className: string,
    host?: HTMLElement
  ) {
    super(className);
    this.chart = new Chart(host ?? this.node);
  }

  /** Resolves when what was asked for is on the screen. */
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

  /** The chart, if it has the axes of the layer that is to be shown. */
  protected get view(): ChartView | undefined {
    return this._shape === this.shape() ? this.chart.view : undefined;
  }

  /** What the axes and scales depend on. */
  protected abstract shape(): string;
  /** Says what the chart shows to people who do not see it. */
  protected abstract describe(): void;
  /** Shows axes and scales. Resolves to undefined when a later call overtook this one. */
  protected abstract build(
    layer: RoutingLayer,
    size: ISize,
    theme: IChartTheme
  ): Promise<ChartView | undefined>;
  /** Puts the layer's data in. */
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
