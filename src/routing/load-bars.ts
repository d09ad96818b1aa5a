import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { EXPERT_LOAD, expertLoad, expertLoadSpec } from 'moe-debugger/charts';
import { Chart } from './chart';
import type { IChartTheme } from './chart-theme';
import type { RoutingModel } from './model';

/** Token rate of each expert, its bars on the heatmap's rows. */
export class LoadBars extends Widget {
  constructor(private _options: LoadBars.IOptions) {
    super();
    this.addClass('moe-LoadBars');
    this.node.setAttribute('role', 'img');
    this._chart = new Chart(this.node);
  }

  /** Resolves when what was asked for is on the screen. */
  get drawn(): Promise<void> {
    return this._drawn;
  }

  rebuild(size: { width: number; height: number }, theme: IChartTheme): void {
    this._size = size;
    this._theme = theme;
    this._drawn = this._rebuild();
  }

  /** Replaces the bars, and the axis too where the layer has another shape. */
  redraw(): void {
    this._describe();
    if (this._chart.view && this._shape === this._currentShape()) {
      this._drawn = this._fill();
    } else if (this._size) {
      this._drawn = this._rebuild();
    }
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._chart.dispose();
    super.dispose();
  }

  private async _rebuild(): Promise<void> {
    const { model, pane, trans } = this._options;
    const layer = model.layer(pane);
    if (!layer || !this._size || !this._theme) {
      return;
    }
    this._describe();
    const shape = this._currentShape();
    this._shape = '';
    const view = await this._chart.show(
      expertLoadSpec({
        experts: layer.experts,
        topK: layer.topK,
        ceiling: model.tokenRateCeiling,
        ...this._size,
        colors: this._theme.colors,
        title: trans.__('token rate'),
        withoutLabels: true
      }),
      this._theme.config
    );
    if (view && !this.isDisposed) {
      this._shape = shape;
      await (shape === this._currentShape() ? this._fill() : this._rebuild());
    }
  }

  private async _fill(): Promise<void> {
    const { model, pane } = this._options;
    const layer = model.layer(pane);
    const view = this._chart.view;
    if (layer && view) {
      view.data(EXPERT_LOAD, expertLoad(layer));
      await view.runAsync();
    }
  }

  private _currentShape(): string {
    const { model, pane } = this._options;
    const layer = model.layer(pane);
    return [layer?.experts, layer?.topK, model.tokenRateCeiling].join('/');
  }

  private _describe(): void {
    const { model, pane, trans } = this._options;
    const layer = model.layer(pane);
    if (!layer) {
      return;
    }
    const rows = expertLoad(layer);
    const most = rows.reduce((a, b) => (b.selections > a.selections ? b : a));
    const unused = rows.filter(row => row.selections === 0).length;
    this.node.setAttribute(
      'aria-label',
      trans.__(
        'Token rate of %1 experts, the share of tokens that select each. Most used: expert %2 with %3 selections. Never selected here: %4 experts. The dashed line is the uniform rate %5/%1.',
        layer.experts,
        most.expert,
        most.selections,
        unused,
        layer.topK
      )
    );
  }

  private _chart: Chart;
  private _drawn: Promise<void> = Promise.resolve();
  private _shape = '';
  private _size: { width: number; height: number } | undefined;
  private _theme: IChartTheme | undefined;
}

export namespace LoadBars {
  export interface IOptions {
    model: RoutingModel;
    pane: number;
    trans: TranslationBundle;
  }
}
