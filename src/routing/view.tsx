import type { IDisposable } from '@lumino/disposable';
import { Drawing, ReactDrawing, element } from '../drawing';
import type { IMoEContext } from '../tokens';
import { RoutingControls } from './controls';
import { coverageText } from './coverage';
import { heatmapLook } from './heatmap';
import type { RoutingModel } from './model';
import { RoutingPane } from './pane';
import type { RoutingSize } from './pane-options';
import { readingText } from './reading';
import { timeTexts } from './time-text';

/** Minimum width for panes side by side. */
const SIDE_BY_SIDE = 560;
const PANE_GAP = 16;

/** Draws a routing model: in an output, in a widget and in the side panel. */
export class RoutingView extends Drawing {
  constructor(private _options: RoutingView.IOptions) {
    super('moe-RoutingView');
    const { model, context } = _options;
    this._controls = new ReactDrawing(
      <RoutingControls model={model} trans={context.trans} />
    );
    this._reading.setAttribute('aria-live', 'polite');
    this.node.append(
      this._title,
      this._controls.node,
      this._box,
      this._reading,
      this._coverage
    );
    this._entry = context.views.add(model);
    model.changed.connect(this._onChanged, this);
    context.themeChanged.connect(this._onAppearance, this);
    context.preferences.changed.connect(this._onAppearance, this);
    this.node.addEventListener('focusin', this);
    this.node.addEventListener('pointerdown', this);
    this._fill();
    // Also called with the first width, when the view is attached.
    this._observer.observe(this.node);
  }

  get model(): RoutingModel {
    return this._options.model;
  }

  override dispose(): void {
    const { model, context } = this._options;
    model.changed.disconnect(this._onChanged, this);
    context.themeChanged.disconnect(this._onAppearance, this);
    context.preferences.changed.disconnect(this._onAppearance, this);
    cancelAnimationFrame(this._frame);
    this._observer.disconnect();
    this._entry.dispose();
    this._controls.dispose();
    this._panes.forEach(pane => pane.dispose());
    super.dispose();
  }

  handleEvent(): void {
    this._options.context.views.activate(this.model);
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

  /** At most one update per frame: the last one includes the earlier ones. */
  private _schedule(update: Update): void {
    this._pending = this._pending
      ? ORDER[Math.max(ORDER.indexOf(this._pending), ORDER.indexOf(update))]
      : update;
    if (this._frame === 0) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._update();
      });
    }
  }

  private _update(): void {
    const update = this._pending;
    this._pending = undefined;
    if (this.isDisposed || !update) {
      return;
    }
    const panes = this._panes;
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
    const tokens = this.model.tokens(0).length;
    this._tell();
    if (width !== this._width) {
      this._layOut(panes, width);
    } else if (update === 'mark') {
      panes.forEach(pane => pane.mark());
    } else {
      panes.forEach(pane => pane.redraw());
    }
    this._read();
    // Tells tests and scripts that the charts show this state.
    this.node.dataset.moeDrawn = `${this.model.layerIndex}/${this.model.measure}`;
    this.node.dataset.moeTokens = String(tokens);
  }

  private _layOut(panes: readonly RoutingPane[], width: number): void {
    const { preferences, isLight } = this._options.context;
    this._width = width;
    const look = heatmapLook(this.node, preferences.colorScheme, isLight);
    const columns =
      panes.length > 1 && width >= SIDE_BY_SIDE ? panes.length : 1;
    this._box.style.setProperty('--moe-columns', String(columns));
    const paneWidth = Math.floor((width - PANE_GAP * (columns - 1)) / columns);
    panes.forEach(pane => pane.rebuild(paneWidth, look));
  }

  private _read(): void {
    const { trans } = this._options.context;
    const { cursor } = this.model;
    const reading = cursor && this.model.read(cursor);
    this._reading.hidden = this.model.display === 'table';
    this._reading.textContent = reading
      ? readingText(reading, trans)
      : trans.__(
          'Point at a cell, or focus the heatmap and use the arrow keys.'
        );
  }

  private _fill(): void {
    const { model, context, size = 'normal' } = this._options;
    const { trans } = context;
    this._panes.forEach(pane => pane.dispose());
    this._panes = model.panes.map(
      pane => new RoutingPane({ model, pane, size, trans })
    );
    this._box.append(...this._panes.map(({ node }) => node));
    this._title.textContent = model.view.model;
    // The address line of a workbench names the model.
    this._title.hidden = model.view.model === '' || size === 'large';
    this._tell();
    this._read();
  }

  /** What was captured, and how long it took. */
  private _tell(): void {
    const { model, context } = this._options;
    const { trans } = context;
    const { truncated } = model.view;
    this._coverage.textContent = [
      coverageText(model.coverage, model.view.samples, trans),
      ...timeTexts(model, trans),
      ...(truncated ? [truncated.slice(0, 400)] : [])
    ].join(' · ');
  }

  private _box = element('moe-RoutingView-panes');
  private _controls: ReactDrawing;
  private _coverage = element('moe-RoutingView-coverage');
  private _entry: IDisposable;
  private _frame = 0;
  private _lookedAgain = false;
  private _observer = new ResizeObserver(() => this._schedule('rebuild'));
  private _panes: readonly RoutingPane[] = [];
  private _pending: Update | undefined;
  private _reading = element('moe-RoutingView-reading');
  private _title = element('moe-RoutingView-title');
  private _width = 0;
}

export namespace RoutingView {
  export interface IOptions {
    model: RoutingModel;
    context: IMoEContext;
    /** Default 'normal'. */
    size?: RoutingSize;
  }
}

type Update = 'mark' | 'redraw' | 'rebuild';
/** Each level includes the earlier ones. */
const ORDER: readonly Update[] = ['mark', 'redraw', 'rebuild'];
