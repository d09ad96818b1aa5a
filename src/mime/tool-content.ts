import { JSONExt, type JSONValue } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { PanelLayout, Widget } from '@lumino/widgets';
import { decodeToolDocument, toolDocument } from 'moe-debugger/protocol';
import { ErrorBox } from '../error-box';
import type { IMoEContext } from '../tokens';
import {
  ToolFrame,
  createTool,
  followWidget,
  type ITool,
  type ToolModel
} from '../tools';
import { UNHURRIED, type IContent } from './content';

/** A tool in an output: what was stored, connected to its widget while the kernel runs. */
export class ToolContent extends Widget implements IContent {
  constructor(private _options: ToolContent.IOptions) {
    super();
    this.layout = new PanelLayout();
  }

  draw(data: unknown): void {
    // What was written into the output comes back as a copy.
    if (JSONExt.deepEqual(data as JSONValue, this._stored)) {
      return;
    }
    this._stored = data as JSONValue;
    this._clear();
    const { context } = this._options;
    const { trans } = context;
    const layout = this.layout as PanelLayout;
    try {
      const { view, model, state, widget } = decodeToolDocument(data);
      const tool = createTool(view, { modelName: model, state }, trans);
      this._tool = tool;
      this._widgetId = widget;
      layout.addWidget(
        new ToolFrame({
          tool,
          context,
          title: model,
          notice:
            widget === undefined
              ? undefined
              : trans.__(
                  'No kernel is behind this output: you see what was saved. Run its cell to work with it.'
                )
        })
      );
      if (widget !== undefined) {
        this._link = followWidget(tool, widget, context.liveTools);
      }
      tool.model.changed.connect(this._onChanged, this);
    } catch (error) {
      layout.addWidget(
        new ErrorBox({
          title: trans.__('This output cannot be shown.'),
          error
        })
      );
    }
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._clear();
    super.dispose();
  }

  /**
   * What a kernel has come to, and where a reader stands in it, is written into the output, so that saving the notebook
   * keeps it.
   */
  private _onChanged(
    { isLive, state }: ITool['model'],
    change: ToolModel.Change
  ): void {
    clearTimeout(this._timer);
    if (change === 'view') {
      // A slider is still being dragged.
      this._timer = window.setTimeout(() => this._store(), UNHURRIED);
    } else if (isLive && !state.running) {
      this._store();
    }
  }

  private _store(): void {
    if (!this._tool) {
      return;
    }
    const { name, model, describe } = this._tool;
    const document = toolDocument(
      name,
      model.modelName,
      model.stored,
      this._widgetId
    );
    const stored = document as object as JSONValue;
    if (!JSONExt.deepEqual(stored, this._stored)) {
      this._stored = stored;
      this._options.store(document, describe());
    }
  }

  private _clear(): void {
    clearTimeout(this._timer);
    this._link?.dispose();
    this._link = undefined;
    this._tool = undefined;
    for (const widget of [...(this.layout as PanelLayout).widgets]) {
      widget.dispose();
    }
  }

  private _link: IDisposable | undefined;
  private _stored: JSONValue = null;
  private _timer: number | undefined;
  private _tool: ITool | undefined;
  private _widgetId: string | undefined;
}

export namespace ToolContent {
  export interface IOptions {
    context: IMoEContext;
    /** Writes a document and a text into the output. */
    store: (document: object, text: string) => void;
  }
}
