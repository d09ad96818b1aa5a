import { drawingSpec } from 'moe-debugger/charts';
import type { TraceFigure } from 'moe-debugger/protocol';
import { Chart, Drawing, OnceAFrame, chartTheme, element } from '../drawing';
import type { IMoEContext } from '../tokens';
import { readingOf } from './reading';

/** A figure that fills the width, with the value under the pointer as text. */
export class FigureView extends Drawing {
  constructor(private _options: FigureView.IOptions) {
    super('moe-FigureView');
    const { context } = _options;
    this._picture.setAttribute('role', 'img');
    this.node.append(this._about, this._picture, this._reading);
    context.themeChanged.connect(this._redraw.ask, this._redraw);
    context.preferences.changed.connect(this._redraw.ask, this._redraw);
    this._observer.observe(this.node);
  }

  set figure(figure: TraceFigure) {
    this._figure = figure;
    this._about.textContent = figure.drawing.subtitle;
    this._picture.setAttribute('aria-label', figure.text);
    this._redraw.ask();
  }

  override dispose(): void {
    const { context } = this._options;
    context.themeChanged.disconnect(this._redraw.ask, this._redraw);
    context.preferences.changed.disconnect(this._redraw.ask, this._redraw);
    this._observer.disconnect();
    this._redraw.dispose();
    this._chart.dispose();
    super.dispose();
  }

  private async _draw(): Promise<void> {
    const { preferences, isLight, trans } = this._options.context;
    const figure = this._figure;
    this._width = this.node.clientWidth;
    if (!figure || this._width === 0) {
      return;
    }
    delete this.node.dataset.moeDrawn;
    this._reading.textContent = trans.__('Point at the chart to read a value.');
    const { config, scheme, reverse } = chartTheme(
      this.node,
      preferences.colorScheme,
      isLight
    );
    try {
      const view = await this._chart.show(
        drawingSpec(figure.drawing, {
          width: this._width,
          colors: { scheme, reverse }
        }),
        config
      );
      view?.addEventListener('pointermove', (_, item) => {
        const text = readingOf(figure.drawing, item?.datum, trans);
        if (text !== undefined) {
          this._reading.textContent = text;
        }
      });
      if (view) {
        // Tells tests and scripts what is drawn.
        this.node.dataset.moeDrawn = `${figure.name}/${figure.layerIndex}`;
      }
    } catch (error) {
      this._reading.textContent = trans.__(
        'The chart could not be drawn: %1',
        error instanceof Error ? error.message : String(error)
      );
    }
  }

  private _about = element('moe-FigureView-about', 'p');
  private _figure: TraceFigure | undefined;
  private _observer = new ResizeObserver(() => {
    if (this.node.clientWidth !== this._width) {
      this._redraw.ask();
    }
  });
  private _picture = element('moe-FigureView-chart');
  private _chart = new Chart(this._picture);
  private _reading = element('moe-FigureView-reading', 'p');
  private _redraw = new OnceAFrame(() => void this._draw());
  private _width = 0;
}

export namespace FigureView {
  export interface IOptions {
    context: IMoEContext;
  }
}
