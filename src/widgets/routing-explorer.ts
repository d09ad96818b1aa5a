import {
  DOMWidgetModel,
  DOMWidgetView,
  type Dict,
  type ExportMap
} from '@jupyter-widgets/base';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { PanelLayout, Widget } from '@lumino/widgets';
import {
  WIDGET_MODULE,
  WIDGET_MODULE_VERSION,
  decodeRows,
  decodeView,
  insertBuffers,
  readSteps,
  type Measure
} from 'moe-debugger/protocol';
import { FrameAnswers, errorBox } from '../drawing';
import { DrawingWidget } from '../drawing-widget';
import { LiveLink, RoutingModel, RoutingView, checkDrawable } from '../routing';
import type { ILiveModel, IMoEContext } from '../tokens';

/** The widget classes of a routing explorer. */
export function createExplorerClasses(context: IMoEContext): ExportMap {
  /** The state that the kernel and all views of an explorer share. */
  class RoutingExplorerModel extends DOMWidgetModel {
    override defaults(): Dict<unknown> {
      return {
        ...super.defaults(),
        _model_name: 'RoutingExplorerModel',
        _model_module: WIDGET_MODULE,
        _model_module_version: WIDGET_MODULE_VERSION,
        _view_name: 'RoutingExplorerView',
        _view_module: WIDGET_MODULE,
        _view_module_version: WIDGET_MODULE_VERSION,
        layer_index: 0,
        measure: 'weight',
        view_document: null,
        // Of a session's explorer: whether a trace is to come, the one in the making, and the steps so far.
        waits: false,
        live: '',
        steps: []
      };
    }

    override initialize(
      ...parameters: Parameters<DOMWidgetModel['initialize']>
    ): void {
      super.initialize(...parameters);
      this._entry = context.liveModels.add(
        this.model_id,
        new LiveExplorer(this)
      );
    }

    override close(commClosed?: boolean): Promise<void> {
      this._entry.dispose();
      return super.close(commClosed);
    }

    // Set by `initialize`, which the base's constructor calls: a field initialiser would overwrite it.
    declare private _entry: IDisposable;
  }

  /** The routing view in a widget, alone or inside a box. */
  class RoutingExplorerView extends DOMWidgetView {
    override render(): void {
      super.render();
      this.luminoWidget.addClass('moe-RoutingExplorer');
      this._layout = this.luminoWidget.layout = new PanelLayout();
      this.listenTo(this.model, 'change:view_document', this._draw);
      this.listenTo(this.model, 'msg:custom', this._append);
      this._draw();
    }

    override remove(): void {
      this._answers.dispose();
      this._clear();
      super.remove();
    }

    private _draw(): void {
      if (this.model.get('view_document') === null) {
        this._clear();
        const empty = new Widget();
        empty.addClass('moe-Message');
        empty.node.textContent = this.model.get('waits')
          ? context.trans.__(
              'This explorer shows the next trace of its session.'
            )
          : context.trans.__(
              'This explorer is drawn in the output of its own cell.'
            );
        this._layout?.addWidget(empty);
        return;
      }
      try {
        const view = checkDrawable(decodeView(this.model.get('view_document')));
        const run = {
          steps: readSteps(this.model.get('steps'), 'steps'),
          isLive: this._live !== ''
        };
        if (this._routing) {
          this._routing.setView(view, undefined, run);
          return;
        }
        this._clear();
        this._routing = new RoutingModel({ view, run });
        this._link = new LiveLink({
          id: this.model.model_id,
          model: this._routing,
          liveModels: context.liveModels
        });
        this._layout?.addWidget(
          new DrawingWidget(new RoutingView({ model: this._routing, context }))
        );
      } catch (error) {
        this._show(error);
      }
    }

    private get _live(): string {
      const live: unknown = this.model.get('live');
      return typeof live === 'string' ? live : '';
    }

    /** Rows of the trace in the making. */
    private _append(content: Dict<unknown>, buffers: DataView[]): void {
      if (content.type !== 'rows' || !this._routing || this._live === '') {
        return;
      }
      try {
        insertBuffers(content.rows, content.bufferPaths, buffers);
        const rows = decodeRows(content.rows);
        if (rows.trace !== this._live) {
          return;
        }
        if (this._routing.append(rows)) {
          this._answers.add(Number(content.batch));
        } else {
          // A page that was opened in the middle: what it lacks is asked for.
          this.send({ type: 'follow' });
        }
      } catch (error) {
        this._show(error);
      }
    }

    private _show(error: unknown): void {
      this._clear();
      this._layout?.addWidget(
        new DrawingWidget(
          errorBox({
            title: context.trans.__('This widget cannot be shown.'),
            error
          })
        )
      );
    }

    private _clear(): void {
      this._link?.dispose();
      this._link = undefined;
      for (const widget of [...(this._layout?.widgets ?? [])]) {
        widget.dispose();
      }
      this._routing?.dispose();
      this._routing = undefined;
    }

    private _answers = new FrameAnswers(batch =>
      this.send({ type: 'drawn', batch })
    );
    private _layout: PanelLayout | undefined;
    private _link: LiveLink | undefined;
    private _routing: RoutingModel | undefined;
  }

  return { RoutingExplorerModel, RoutingExplorerView };
}

/** An explorer's model, for outputs. */
class LiveExplorer implements ILiveModel {
  constructor(private _model: DOMWidgetModel) {
    _model.on('change:layer_index change:measure', () => this._changed.emit());
  }

  get layerIndex(): number {
    const index: unknown = this._model.get('layer_index');
    return typeof index === 'number' && Number.isInteger(index) ? index : 0;
  }

  get measure(): Measure {
    return this._model.get('measure') === 'probability'
      ? 'probability'
      : 'weight';
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  update(state: { layerIndex: number; measure: Measure }): void {
    this._model.set({ layer_index: state.layerIndex, measure: state.measure });
    this._model.save_changes();
  }

  private _changed = new Signal<this, void>(this);
}
