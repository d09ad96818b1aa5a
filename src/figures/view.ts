import { Widget } from '@lumino/widgets';
import type { Message } from '@lumino/messaging';
import { drawingSpec } from 'moe-debugger/charts';
import type { TraceFigure } from 'moe-debugger/protocol';
import { Chart } from '../routing/chart';
import { chartTheme } from '../routing/chart-theme';
import { OnceAFrame } from '../tools/once-a-frame';
import type { IMoEContext } from '../tokens';
import { readingOf } from './reading';

/** A figure as wide as there is room for, with the value under the pointer as text. */
export class FigureView extends Widget {
  constructor(private _options: FigureView.IOptions) {
    super();
    const { context } = _options;
    this.addClass('moe-FigureView');
    this._about = paragraph('moe-FigureView-about');
    this._picture = document.createElement('div');
    this._picture.className = 'moe-FigureView-chart';
    this._picture.setAttribute('role', 'img');
    this._reading = paragraph('moe-FigureView-reading');
    this.node.append(this._about, this._picture, this._reading);
    this._chart = new Chart(this._picture);
    this._redraw = new OnceAFrame(() => void this._draw());
    this._observer = new ResizeObserver(() => {
      if (this.node.clientWidth !== this._width) {
        this._redraw.ask();
      }
    });
    context.themeChanged.connect(this._redraw.ask, this._redraw);
    context.preferences.changed.connect(this._redraw.ask, this._redraw);
  }

  set figure(figure: TraceFigure) {
    this._figure = figure;
    this._about.textContent = figure.drawing.subtitle;
    this._picture.setAttribute('aria-label', figure.text);
    this._redraw.ask();
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    const { context } = this._options;
    context.themeChanged.disconnect(this._redraw.ask, this._redraw);
    context.preferences.changed.disconnect(this._redraw.ask, this._redraw);
    this._observer.disconnect();
    this._redraw.dispose();
    this._chart.dispose();
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._observer.observe(this.node);
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
        // Says to a test or a script what is on the screen.
        this.node.dataset.moeDrawn = `${figure.name}/${figure.layerIndex}`;
      }
    } catch (error) {
      this._reading.textContent = trans.__(
        'The chart could not be drawn: %1',
        error instanceof Error ? error.message : String(error)
      );
    }
  }

  private _about: HTMLElement;
  private _chart: Chart;
  private _figure: TraceFigure | undefined;
  private _observer: ResizeObserver;
  private _picture: HTMLElement;
  private _reading: HTMLElement;
  private _redraw: OnceAFrame;
  private _width = 0;
}

export namespace FigureView {
  export interface IOptions {
    context: IMoEContext;
  }
}

function paragraph(className: string): HTMLElement {
  const node = document.createElement('p');
  node.className = className;
  return node;
}
