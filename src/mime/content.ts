import { PanelLayout, Widget } from '@lumino/widgets';
import { decodeView, type View } from 'moe-debugger/protocol';
import { ErrorBox } from '../error-box';
import { RoutingModel, RoutingView, checkDrawable } from '../routing';
import type { IMoEDebugger } from '../tokens';
import { LiveLink } from './live-link';

/** What draws the data of an output. */
export interface IContent extends Widget {
  /** Shows a document, or another one in its place. */
  draw(data: unknown): void;
}

/** A view document or, where it cannot be read, why. What is shown is taken to be a stranger's. */
export class RoutingContent extends Widget implements IContent {
  constructor(private _context: IMoEDebugger) {
    super();
    this.layout = new PanelLayout();
  }

  override get layout(): PanelLayout {
    return super.layout as PanelLayout;
  }
  override set layout(value: PanelLayout) {
    super.layout = value;
  }

  draw(data: unknown): void {
    let view: View;
    try {
      view = checkDrawable(decodeView(data));
    } catch (error) {
      this._clear();
      this.layout.addWidget(
        new ErrorBox({
          title: this._context.trans.__('This output cannot be shown.'),
          error
        })
      );
      return;
    }
    if (this._model) {
      this._link?.dispose();
      this._model.setView(view);
    } else {
      this._clear();
      this._model = new RoutingModel({ view });
      this.layout.addWidget(
        new RoutingView({ model: this._model, context: this._context })
      );
    }
    this._link = view.widget
      ? new LiveLink({
          id: view.widget,
          model: this._model,
          liveModels: this._context.liveModels
        })
      : undefined;
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._clear();
    super.dispose();
  }

  private _clear(): void {
    for (const widget of [...this.layout.widgets]) {
      widget.dispose();
    }
    this._link?.dispose();
    this._link = undefined;
    this._model?.dispose();
    this._model = undefined;
  }

  private _link: LiveLink | undefined;
  private _model: RoutingModel | undefined;
}
