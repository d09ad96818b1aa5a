import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import type { ModelSummary, ToolName } from 'moe-debugger/protocol';
import type { PanelTool } from '../../kernel';
import { errorBox, takeKeys, type Drawing } from '../../drawing';
import { DrawingWidget } from '../../drawing-widget';
import { TOOLS, ToolFrame, loadTool, type IToolKind } from '../../tools';
import type { ISectionOptions } from '../../panels/section';

/** A tool of the active notebook's kernel. Nothing is sent to the kernel before the section is opened. */
export class ToolPanel extends Widget {
  constructor(private _options: ToolPanel.IOptions) {
    super();
    const { name, model, context } = _options;
    this.addClass('moe-ToolPanel');
    this.title.label = TOOLS[name].title(context.trans);
    const layout = (this.layout = new PanelLayout());
    this._models = new Widget({ node: document.createElement('label') });
    this._models.addClass('moe-ToolPanel-models');
    this._select = document.createElement('select');
    takeKeys(this._select);
    this._models.node.append(context.trans.__('Model'), this._select);
    this._select.addEventListener('change', this);
    this._message = new Widget();
    this._message.addClass('moe-Message');
    layout.addWidget(this._models);
    layout.addWidget(this._message);
    model.changed.connect(this._update, this);
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._options.model.changed.disconnect(this._update, this);
    this._tool?.changed.disconnect(this._draw, this);
    super.dispose();
  }

  handleEvent(): void {
    this._tool?.choose(this._select.value);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._update();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._update();
  }

  private _update(): void {
    const { name, model } = this._options;
    const { follower } = model;
    // A hidden section keeps its tool and the state of the view: a change of theme hides it for a moment.
    const tool = !follower?.isOurs
      ? undefined
      : this.isVisible
        ? follower.tool(name)
        : this._tool;
    if (tool !== this._tool) {
      if (this._tool) {
        this._tool.active = false;
        this._tool.changed.disconnect(this._draw, this);
      }
      this._tool = tool;
      this._shown = undefined;
      this._frame?.dispose();
      this._frame = undefined;
      tool?.changed.connect(this._draw, this);
    }
    if (tool) {
      tool.active = this.isVisible && (follower?.has(name) ?? false);
    }
    if (this.isVisible) {
      this._loading ??= this._load();
      this._draw();
    }
  }

  private async _load(): Promise<void> {
    try {
      this._kind = await loadTool(this._options.name);
    } catch (error) {
      this._failure = String(error);
    }
    if (!this.isDisposed) {
      this._draw();
    }
  }

  private _draw(): void {
    const tool = this._tool;
    const models = tool?.models ?? [];
    this._list(models, tool?.model?.id);
    // Each model has its own tool.
    const shown = this._kind && tool?.state && tool.model?.id;
    const error = tool?.error ?? this._failure;
    if (shown !== this._shown || error !== this._error) {
      this._shown = shown;
      this._error = error;
      this._frame?.dispose();
      this._frame = undefined;
      const drawing = tool && this._makeFrame(tool);
      if (drawing) {
        this._frame = new DrawingWidget(drawing);
        (this.layout as PanelLayout).addWidget(this._frame);
      }
    }
    this._message.setHidden(this._frame !== undefined);
    this._message.node.textContent = this._advice();
  }

  private _list(models: readonly ModelSummary[], chosen?: string): void {
    this._models.setHidden(models.length < 2);
    const listed = JSON.stringify([models.map(({ id }) => id), chosen]);
    if (listed !== this._listed) {
      this._listed = listed;
      this._select.replaceChildren(
        ...models.map(
          ({ id, name }) => new Option(name, id, false, id === chosen)
        )
      );
    }
  }

  private _makeFrame(link: PanelTool): Drawing | undefined {
    const { trans } = this._options.context;
    try {
      if (this._error !== undefined) {
        throw new Error(this._error);
      }
      if (!this._kind || !link.state) {
        return undefined;
      }
      const tool = this._kind.open({
        modelName: link.model?.name ?? '',
        state: link.state
      });
      tool.model.link = link;
      return new ToolFrame({
        tool,
        trans,
        notice: trans.__(
          'The kernel no longer has this model: you see its last state. Run the cell that loads it again.'
        )
      });
    } catch (error) {
      return errorBox({
        title: trans.__('This tool cannot be shown.'),
        error
      });
    }
  }

  private _advice(): string {
    const { trans } = this._options.context;
    const { follower } = this._options.model;
    return !this._tool
      ? trans.__('The model of the active notebook can be changed here.')
      : this._tool.models.length === 0
        ? trans.__('Load a model in a cell: its experts can be switched here.')
        : follower?.status === 'ready' && !follower.has(this._options.name)
          ? trans.__(
              'The kernel is older than this panel and has no such tool. Update moe-debugger and restart the kernel.'
            )
          : trans.__('Asking the kernel…');
  }

  private _error: string | undefined;
  /** Why the drawing code of the tool did not load. */
  private _failure: string | undefined;
  private _frame: Widget | undefined;
  private _kind: IToolKind | undefined;
  private _listed = '';
  private _loading: Promise<void> | undefined;
  private _message: Widget;
  private _models: Widget;
  private _select: HTMLSelectElement;
  private _shown: string | undefined;
  private _tool: PanelTool | undefined;
}

export namespace ToolPanel {
  export interface IOptions extends ISectionOptions {
    name: ToolName;
  }
}
