import { JSONExt, type JSONValue } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { PanelLayout, Widget } from '@lumino/widgets';
import { decodeToolDocument, toolDocument } from 'moe-debugger/protocol';
import { ErrorBox } from '../error-box';
import type { IMoEDebugger } from '../tokens';
import { ToolFrame, createTool, followWidget, type ITool } from '../tools';
import type { IContent } from './content';

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
          notice: trans.__(
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

  /** What a kernel has come to is written into the output, so that saving the notebook keeps it. */
  private _onChanged(): void {
    const tool = this._tool;
    if (!tool?.model.isLive || tool.model.state.running) {
      return;
    }
    const { name, model, describe } = tool;
    if (model.state === this._written) {
      return;
    }
    this._written = model.state;
    const document = toolDocument(
      name,
      model.modelName,
      model.state,
      this._widgetId
    );
    this._stored = document as object as JSONValue;
    this._options.store(document, describe());
  }

  private _clear(): void {
    this._link?.dispose();
    this._link = undefined;
    this._tool = undefined;
    for (const widget of [...(this.layout as PanelLayout).widgets]) {
      widget.dispose();
    }
  }

  private _link: IDisposable | undefined;
  private _stored: JSONValue = null;
  private _tool: ITool | undefined;
  private _widgetId: string | undefined;
  private _written: unknown;
}

export namespace ToolContent {
  export interface IOptions {
    context: IMoEDebugger;
    /** Writes a document and a text into the output. */
    store: (document: object, text: string) => void;
  }
}
