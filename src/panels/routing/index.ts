import { PanelLayout, Widget } from '@lumino/widgets';
import { errorBox } from '../../drawing';
import { DrawingWidget } from '../../drawing-widget';
import {
  RoutingView,
  type RoutingModel,
  type RoutingSize
} from '../../routing';
import type { ISectionOptions } from '../section';

/** The selected trace of the notebook's kernel, in the routing view. */
export class RoutingPanel extends Widget {
  constructor(private _options: RoutingPanel.IOptions) {
    super();
    const { model, context } = _options;
    this.addClass('moe-RoutingPanel');
    this.title.label = context.trans.__('Routing');
    this.layout = new PanelLayout();
    this._empty = new Widget();
    this._empty.addClass('moe-Message');
    this._empty.node.textContent = context.trans.__(
      'The routing of the selected trace is drawn here.'
    );
    this._content.addWidget(this._empty);
    model.changed.connect(this._update, this);
    this._update();
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._options.model.changed.disconnect(this._update, this);
    super.dispose();
  }

  private get _content(): PanelLayout {
    return this.layout as PanelLayout;
  }

  private _update(): void {
    const { model, context, size } = this._options;
    const { follower } = model;
    // The picture stays after the process has ended, but not after a change to another kind of kernel.
    const routing = follower?.isOurs ? follower.routing : undefined;
    if (routing !== this._routing) {
      this._view?.dispose();
      this._view = undefined;
      this._routing = routing;
      if (routing) {
        this._view = new DrawingWidget(
          new RoutingView({ model: routing, context, size })
        );
        this._content.addWidget(this._view);
      }
    }
    this._empty.setHidden(routing !== undefined);
    this._view?.toggleClass('moe-mod-stale', follower?.isStale ?? false);
    if (follower?.error !== this._error) {
      this._error = follower?.error;
      this._errorBox?.dispose();
      this._errorBox = undefined;
      if (this._error) {
        this._errorBox = new DrawingWidget(
          errorBox({
            title: context.trans.__('This trace cannot be shown.'),
            error: this._error
          })
        );
        this._content.insertWidget(0, this._errorBox);
      }
    }
  }

  private _empty: Widget;
  private _error: string | undefined;
  private _errorBox: Widget | undefined;
  private _routing: RoutingModel | undefined;
  private _view: Widget | undefined;
}

export namespace RoutingPanel {
  export interface IOptions extends ISectionOptions {
    size: RoutingSize;
  }
}
