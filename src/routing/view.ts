import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { Panel, PanelLayout, Widget } from '@lumino/widgets';
import type { IMoEContext } from '../tokens';
import { chartTheme } from './chart-theme';
import { RoutingControls } from './controls';
import { coverageText } from './coverage';
import type { RoutingModel } from './model';
import { RoutingPane } from './pane';
import { readingText } from './reading';

/** Panes stand side by side from this width on. */
const SIDE_BY_SIDE = 560;
const PANE_GAP = 16;

/** Draws a routing model: in an output, in a widget and in the side panel. */
export class RoutingView extends Widget {
  constructor(private _options: RoutingView.IOptions) {
    super();
    const { model, context } = _options;
    const { trans } = context;
    this.addClass('moe-RoutingView');
    const layout = (this.layout = new PanelLayout());
    this._title = new Widget();
    this._title.addClass('moe-RoutingView-title');
    this._panes = new Panel();
    this._panes.addClass('moe-RoutingView-panes');
    this._reading = new Widget();
    this._reading.addClass('moe-RoutingView-reading');
    this._reading.node.setAttribute('aria-live', 'polite');
    this._coverage = new Widget();
    this._coverage.addClass('moe-RoutingView-coverage');
    layout.addWidget(this._title);
    layout.addWidget(new RoutingControls({ model, trans }));
    layout.addWidget(this._panes);
    layout.addWidget(this._reading);
    layout.addWidget(this._coverage);

    this._observer = new ResizeObserver(() => this._schedule('rebuild'));
    this._entry = context.views.add(model);
    model.changed.connect(this._onChanged, this);
    context.themeChanged.connect(this._onAppearance, this);
    context.preferences.changed.connect(this._onAppearance, this);
    this._fill();
  }

  get model(): RoutingModel {
    return this._options.model;
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    const { model, context } = this._options;
    model.changed.disconnect(this._onChanged, this);
    context.themeChanged.disconnect(this._onAppearance, this);
    context.preferences.changed.disconnect(this._onAppearance, this);
    cancelAnimationFrame(this._frame);
    this._observer.disconnect();
    this._entry.dispose();
    super.dispose();
  }

  handleEvent(event: Event): void {
    if (event.type === 'focusin' || event.type === 'pointerdown') {
      this._options.context.views.activate(this.model);
    }
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.node.addEventListener('focusin', this);
    this.node.addEventListener('pointerdown', this);
    this._observer.observe(this.node);
  }

  protected override onBeforeDetach(message: Message): void {
    this.node.removeEventListener('focusin', this);
    this.node.removeEventListener('pointerdown', this);
    this._observer.disconnect();
    super.onBeforeDetach(message);
  }

  private _onChanged(_: RoutingModel, change: RoutingModel.Change): void {
    switch (change) {
      case 'view':
        this._fill();
        this._width = 0;
        this._schedule('rebuild');
        break;
      case 'display':
        this._width = 0;
        this._schedule('rebuild');
        break;
      case 'cursor':
        this._schedule('mark');
        break;
      default:
        this._schedule('redraw');
    }
  }

  private _onAppearance(): void {
    this._width = 0;
    this._schedule('rebuild');
  }

  /** One update a frame: what was asked for in between is covered by the last. */
  private _schedule(update: Update): void {
    this._pending = this._pending
      ? ORDER[Math.max(ORDER.indexOf(this._pending), ORDER.indexOf(update))]
      : update;
    if (this._frame === 0) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        void this._update();
      });
    }
  }

  private async _update(): Promise<void> {
    const update = this._pending;
    this._pending = undefined;
    if (this.isDisposed || !update) {
      return;
    }
    const panes = this._panes.widgets as readonly RoutingPane[];
    const width = this.node.clientWidth;
    if (width === 0) {
      // In a hidden tab or a cell scrolled away there is nothing to draw in; the observer calls when there is. It does
      // not when the page is hidden for less than a frame, as JupyterLab does between themes: hence a second look.
      this._width = 0;
      if (!this._lookedAgain) {
        this._lookedAgain = true;
        this._schedule('rebuild');
      }
      return;
    }
    this._lookedAgain = false;
    if (width !== this._width) {
      this._layOut(panes, width);
    } else if (update === 'mark') {
      panes.forEach(pane => pane.mark());
    } else {
      panes.forEach(pane => pane.redraw());
    }
    this._read();
    // Says to a test or a script that the charts show the state below.
    try {
      await Promise.all(panes.map(pane => pane.drawn));
    } catch (error) {
      this._reading.node.textContent = this._options.context.trans.__(
        'The chart could not be drawn: %1',
        error instanceof Error ? error.message : String(error)
      );
      return;
    }
    if (!this.isDisposed && this._frame === 0) {
      this.node.dataset.moeDrawn = `${this.model.layerIndex}/${this.model.measure}`;
    }
  }

  private _layOut(panes: readonly RoutingPane[], width: number): void {
    const { preferences, isLight } = this._options.context;
    this._width = width;
    const theme = chartTheme(this.node, preferences.colorScheme, isLight);
    const columns =
      panes.length > 1 && width >= SIDE_BY_SIDE ? panes.length : 1;
    this._panes.node.style.setProperty('--moe-columns', String(columns));
    const paneWidth = Math.floor((width - PANE_GAP * (columns - 1)) / columns);
    panes.forEach(pane => {
      pane.redraw();
      pane.rebuild(paneWidth, theme);
    });
  }

  private _read(): void {
    const { trans } = this._options.context;
    const { cursor } = this.model;
    const reading = cursor && this.model.read(cursor);
    this._reading.setHidden(this.model.display === 'table');
    this._reading.node.textContent = reading
      ? readingText(reading, trans)
      : trans.__(
          'Point at a cell, or focus the heatmap and use the arrow keys.'
        );
  }

  private _fill(): void {
    const { model, context } = this._options;
    const { trans } = context;
    for (const pane of [...this._panes.widgets]) {
      pane.dispose();
    }
    for (const pane of model.panes) {
      this._panes.addWidget(new RoutingPane({ model, pane, trans }));
    }
    this._title.node.textContent = model.view.model;
    this._title.setHidden(model.view.model === '');
    this._coverage.node.textContent = [
      coverageText(model.coverage, model.view.samples, trans),
      ...(model.view.truncated ? [model.view.truncated.slice(0, 400)] : [])
    ].join(' · ');
    this._read();
  }

  private _coverage: Widget;
  private _entry: IDisposable;
  private _frame = 0;
  private _lookedAgain = false;
  private _observer: ResizeObserver;
  private _panes: Panel;
  private _pending: Update | undefined;
  private _reading: Widget;
  private _title: Widget;
  private _width = 0;
}

export namespace RoutingView {
  export interface IOptions {
    model: RoutingModel;
    context: IMoEContext;
  }
}

type Update = 'mark' | 'redraw' | 'rebuild';
/** A later one does all that an earlier one does. */
const ORDER: readonly Update[] = ['mark', 'redraw', 'rebuild'];
