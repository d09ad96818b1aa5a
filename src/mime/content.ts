import { JSONExt, type JSONObject, type JSONValue } from '@lumino/coreutils';
import { PanelLayout, Widget } from '@lumino/widgets';
import { decodeView, type View } from 'moe-debugger/protocol';
import { ErrorBox } from '../error-box';
import { RoutingModel, RoutingView, checkDrawable } from '../routing';
import type { IMoEContext } from '../tokens';
import { LiveLink } from './live-link';

/** Milliseconds after the last move of a slider until its place is written into the output. */
export const UNHURRIED = 300;

/** What draws the data of an output. */
export interface IContent extends Widget {
  /** Shows a document, or another one in its place. */
  draw(data: unknown): void;
}

/** A view document or, where it cannot be read, why. What is shown is taken to be a stranger's. */
export class RoutingContent extends Widget implements IContent {
  constructor(private _options: RoutingContent.IOptions) {
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
    // What was written into the output comes back as a copy.
    if (JSONExt.deepEqual(data as JSONValue, this._stored)) {
      return;
    }
    clearTimeout(this._timer);
    this._stored = data as JSONValue;
    let view: View;
    try {
      view = checkDrawable(decodeView(data));
    } catch (error) {
      this._clear();
      this.layout.addWidget(
        new ErrorBox({
          title: this._options.context.trans.__('This output cannot be shown.'),
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
      this.layout.addWidget(
        new RoutingView({ model: this._model, context: this._options.context })
      );
    }
    this._link = view.widget
      ? new LiveLink({
          id: view.widget,
          model: this._model,
          liveModels: this._options.context.liveModels
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

  /** Where a reader stands is written into the output, so that saving the notebook keeps it. */
  private _onChanged(_: RoutingModel, change: RoutingModel.Change): void {
    if (change === 'layer' || change === 'measure') {
      clearTimeout(this._timer);
      this._timer = window.setTimeout(() => this._store(), UNHURRIED);
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

  private _clear(): void {
    clearTimeout(this._timer);
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
  private _stored: JSONValue = null;
  private _timer: number | undefined;
}

export namespace RoutingContent {
  export interface IOptions {
    context: IMoEContext;
    /** Writes a document into the output. */
    store: (document: object) => void;
  }
}
