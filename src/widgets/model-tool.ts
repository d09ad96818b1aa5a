import {
  DOMWidgetModel,
  DOMWidgetView,
  type Dict,
  type ExportMap
} from '@jupyter-widgets/base';
import type { Kernel } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { PanelLayout } from '@lumino/widgets';
import {
  ProtocolError,
  WIDGET_MODULE,
  WIDGET_MODULE_VERSION,
  isToolName
} from 'moe-debugger/protocol';
import { errorBox, type Drawing } from '../drawing';
import { DrawingWidget } from '../drawing-widget';
import type { IMoEContext, IToolLink } from '../tokens';
import { ToolFrame, loadTool } from '../tools';

/** The widget classes of all tools: the state names the tool. */
export function createToolClasses(context: IMoEContext): ExportMap {
  /** A tool's state, shared with the kernel. */
  class ModelToolModel extends DOMWidgetModel {
    override defaults(): Dict<unknown> {
      return {
        ...super.defaults(),
        _model_name: 'ModelToolModel',
        _model_module: WIDGET_MODULE,
        _model_module_version: WIDGET_MODULE_VERSION,
        _view_name: 'ModelToolView',
        _view_module: WIDGET_MODULE,
        _view_module_version: WIDGET_MODULE_VERSION,
        tool: '',
        model_name: ''
      };
    }

    override initialize(
      ...parameters: Parameters<DOMWidgetModel['initialize']>
    ): void {
      super.initialize(...parameters);
      this.link = new WidgetLink(this);
      this._entry = context.liveTools.add(this.model_id, this.link);
    }

    override close(commClosed?: boolean): Promise<void> {
      this._entry.dispose();
      return super.close(commClosed);
    }

    // Set by `initialize`, which the base's constructor calls: field initialisers would overwrite them.
    declare link: IToolLink;
    declare private _entry: IDisposable;
  }

  /** A tool in a widget, alone or inside a box. */
  class ModelToolView extends DOMWidgetView {
    override async render(): Promise<void> {
      super.render();
      this.luminoWidget.addClass('moe-RoutingExplorer');
      const layout = (this.luminoWidget.layout = new PanelLayout());
      const drawing = await this._draw();
      if (this._isRemoved) {
        drawing.dispose();
      } else {
        this._content = new DrawingWidget(drawing);
        layout.addWidget(this._content);
      }
    }

    override remove(): void {
      this._isRemoved = true;
      this._content?.dispose();
      super.remove();
    }

    private async _draw(): Promise<Drawing> {
      const { trans } = context;
      const { link } = this.model as ModelToolModel;
      try {
        const name: unknown = this.model.get('tool');
        if (!isToolName(name)) {
          throw new ProtocolError('this version has no such tool');
        }
        const modelName = String(this.model.get('model_name')).slice(0, 200);
        const { open } = await loadTool(name);
        const tool = open({ modelName, state: link.state });
        tool.model.link = link;
        return new ToolFrame({
          tool,
          trans,
          title: modelName,
          notice: trans.__(
            'No kernel is behind this widget. Run its cell to work with it.'
          )
        });
      } catch (error) {
        return errorBox({
          title: trans.__('This widget cannot be shown.'),
          error
        });
      }
    }

    private _content: DrawingWidget | undefined;
    private _isRemoved = false;
  }

  return { ModelToolModel, ModelToolView };
}

/** The connection to a tool through its widget's model. */
class WidgetLink implements IToolLink {
  constructor(private _model: DOMWidgetModel) {
    _model.on('change', () => this._changed.emit());
    _model.on('comm_live_update', () => this._changed.emit());
    // The manager notifies its models of a restart, but not of the kernel's end.
    const { kernel } = _model.widget_manager as {
      kernel?: Kernel.IKernelConnection | null;
    };
    kernel?.disposed.connect(() => {
      this._isEnded = true;
      this._changed.emit();
    });
  }

  get isLive(): boolean {
    return this._model.comm_live && !this._isEnded;
  }

  get state(): Readonly<Record<string, unknown>> {
    return this._model.attributes as Record<string, unknown>;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  send(action: object): void {
    this._model.send(action as Dict<never>, {});
  }

  private _changed = new Signal<this, void>(this);
  private _isEnded = false;
}
