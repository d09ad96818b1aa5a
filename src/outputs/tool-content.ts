import { JSONExt, type JSONValue } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import {
  decodeToolDocument,
  toolDocument,
  type ToolDocument
} from 'moe-debugger/protocol';
import { Drawing, errorBox } from '../drawing';
import {
  ToolFrame,
  followWidget,
  loadTool,
  type ITool,
  type ToolModel
} from '../tools';
import { STORE_DELAY, type IContent, type IContentOptions } from './content';

/** A tool in an output: the stored state, connected to its widget while the kernel runs. */
export class ToolContent extends Drawing implements IContent {
  constructor(private _options: IContentOptions) {
    super();
  }

  async draw(data: unknown): Promise<void> {
    // Our own change of the output comes back as a copy.
    if (JSONExt.deepEqual(data as JSONValue, this._stored)) {
      return;
    }
    this._clear();
    this._stored = data as JSONValue;
    const isOld = () => this._stored !== data || this.isDisposed;
    try {
      const document = decodeToolDocument(data);
      const { view, model, state } = document;
      const { open } = await loadTool(view);
      if (!isOld()) {
        this._follow(open({ modelName: model, state }), document);
      }
    } catch (error) {
      if (!isOld()) {
        const { trans } = this._options.context;
        const title = trans.__('This output cannot be shown.');
        this._show(errorBox({ title, error }));
      }
    }
  }

  override dispose(): void {
    this._clear();
    super.dispose();
  }

  private _follow(tool: ITool, { model, widget }: ToolDocument): void {
    const { trans, liveTools } = this._options.context;
    this._tool = tool;
    this._widgetId = widget;
    this._show(
      new ToolFrame({
        tool,
        trans,
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
      this._link = followWidget(tool, widget, liveTools);
    }
    tool.model.changed.connect(this._onChanged, this);
  }

  /**
   * Writes the kernel's result and the state of the view into the output, so that they are saved with the
   * notebook.
   */
  private _onChanged(
    { isLive, isRunning }: ITool['model'],
    change: ToolModel.Change
  ): void {
    clearTimeout(this._timer);
    if (change === 'view') {
      // The user may still be dragging a slider.
      this._timer = window.setTimeout(() => this._store(), STORE_DELAY);
    } else if (isLive && !isRunning) {
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

  private _show(drawing: Drawing): void {
    this._drawing = drawing;
    this.node.append(drawing.node);
  }

  private _clear(): void {
    clearTimeout(this._timer);
    this._link?.dispose();
    this._link = undefined;
    this._tool = undefined;
    this._drawing?.dispose();
    this._drawing = undefined;
  }

  private _drawing: Drawing | undefined;
  private _link: IDisposable | undefined;
  private _stored: JSONValue = null;
  private _timer: number | undefined;
  private _tool: ITool | undefined;
  private _widgetId: string | undefined;
}
