import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { PanelLayout, Widget } from '@lumino/widgets';
import { MIME_TYPE, decodeView, type View } from 'moe-debugger/protocol';
import { ErrorBox } from '../error-box';
import { RoutingModel, RoutingView, checkDrawable } from '../routing';
import type { IMoEDebugger } from '../tokens';
import { LiveLink } from './live-link';

/** Draws a view document stored in a notebook. Needs no kernel; treats what it reads as a stranger's. */
export class RoutingRenderer extends Widget implements IRenderMime.IRenderer {
  constructor(private _context: IMoEDebugger) {
    super();
    this.addClass('moe-RoutingRenderer');
    this.layout = new PanelLayout();
  }

  override get layout(): PanelLayout {
    return super.layout as PanelLayout;
  }
  override set layout(value: PanelLayout) {
    super.layout = value;
  }

  async renderModel(mime: IRenderMime.IMimeModel): Promise<void> {
    let view: View;
    try {
      view = checkDrawable(decodeView(mime.data[MIME_TYPE]));
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

/** Ranked before ipywidgets' own type, which shows "model not found" once its kernel is gone. */
const RANK = -1;

export function rendererFactory(
  context: IMoEDebugger
): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    defaultRank: RANK,
    createRenderer: () => new RoutingRenderer(context)
  };
}
