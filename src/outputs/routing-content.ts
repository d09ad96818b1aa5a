import { JSONExt, type JSONObject, type JSONValue } from '@lumino/coreutils';
import { decodeView, type View } from 'moe-debugger/protocol';
import { Drawing, errorBox } from '../drawing';
import { LiveLink, RoutingModel, RoutingView, checkDrawable } from '../routing';
import { STORE_DELAY, type IContent, type IContentOptions } from './content';

/** A view document, or the reason why it is invalid. */
export class RoutingContent extends Drawing implements IContent {
  constructor(private _options: IContentOptions) {
    super();
  }

  draw(data: unknown): void {
    // Our own change of the output comes back as a copy.
    if (JSONExt.deepEqual(data as JSONValue, this._stored)) {
      return;
    }
    clearTimeout(this._timer);
    this._stored = data as JSONValue;
    const { context } = this._options;
    let view: View;
    try {
      view = checkDrawable(decodeView(data));
    } catch (error) {
      this._clear();
      this._show(
        errorBox({
          title: context.trans.__('This output cannot be shown.'),
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
      this._model.changed.connect(this._onChanged, this);
      this._show(new RoutingView({ model: this._model, context }));
    }
    this._link = view.widget
      ? new LiveLink({
          id: view.widget,
          model: this._model,
          liveModels: context.liveModels
        })
      : undefined;
  }

  override dispose(): void {
    this._clear();
    super.dispose();
  }

  /** Writes the selected layer and measure into the output, so that they are saved with the notebook. */
  private _onChanged(_: RoutingModel, change: RoutingModel.Change): void {
    if (change === 'layer' || change === 'measure') {
      clearTimeout(this._timer);
      this._timer = window.setTimeout(() => this._store(), STORE_DELAY);
    }
  }

  private _store(): void {
    if (this._model) {
      const { layerIndex, measure } = this._model;
      const document = {
        ...(this._stored as JSONObject),
        state: { layerIndex, measure }
      };
      if (!JSONExt.deepEqual(document, this._stored)) {
        this._stored = document;
        this._options.store(document);
      }
    }
  }

  private _show(drawing: Drawing): void {
    this._drawing = drawing;
    this.node.append(drawing.node);
  }

  private _clear(): void {
    clearTimeout(this._timer);
    this._drawing?.dispose();
    this._drawing = undefined;
    this._link?.dispose();
    this._link = undefined;
    this._model?.dispose();
    this._model = undefined;
  }

  private _drawing: Drawing | undefined;
  private _link: LiveLink | undefined;
  private _model: RoutingModel | undefined;
  private _stored: JSONValue = null;
  private _timer: number | undefined;
}
