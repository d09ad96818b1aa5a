import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Message } from '@lumino/messaging';
import { Signal, type ISignal } from '@lumino/signaling';
import { PanelLayout, Widget } from '@lumino/widgets';
import { Address } from '../devtools/address';
import type { IViewContext } from '../devtools/context';
import { NetworkModel } from '../devtools/network/model';
import { StatusLine } from '../devtools/status-line';
import { moeDebuggerIcon } from '../icons';
import type { INotebookKernel, NotebookKernels } from '../kernel';
import { PanelModel } from '../panels/model';
import type { IMoEContext } from '../tokens';
import { isExperiment, type ExperimentsView } from './experiments-view';
import { SourceView } from './source-view';
import { TabRow, type ITab } from './tab-row';
import type { IViewOptions } from './view-kinds';
import { VIEWS } from './views';
import { VIEW_NAMES, VIEW_TITLES, type ViewName } from '../devtools/titles';

/** The content of the workbench: tabs, address line, the view of the tab, status line. */
export class Workbench extends Widget {
  constructor(private _options: Workbench.IOptions) {
    super();
    const { tracker, context, kernels, notice } = _options;
    const { trans, preferences } = context;
    this.addClass('moe-Workbench');
    this.title.label = trans.__('MoE DevTools');
    this.title.caption = trans.__(
      'Routing, experts and experiments of a notebook’s models'
    );
    this.title.icon = moeDebuggerIcon;
    this.title.closable = true;
    this._model = new PanelModel({ tracker, preferences, kernels });
    // Until a view draws it.
    this._model.drawsPicture = false;
    this._viewOptions = {
      model: this._model,
      context,
      current: () => this._contextOf(this._model.kernel)
    };
    this._tabs = new TabRow({
      label: trans.__('Views'),
      tabs: this._listTabs(),
      trans,
      choose: id => this.open(id)
    });
    this._body.addClass('moe-Workbench-body');
    this._body.layout = new PanelLayout();
    const layout = (this.layout = new PanelLayout());
    layout.addWidget(this._tabs);
    layout.addWidget(
      new SourceView(this._viewOptions, Address, 'moe-Workbench-address')
    );
    layout.addWidget(notice(this._model));
    layout.addWidget(this._body);
    layout.addWidget(
      new SourceView(this._viewOptions, StatusLine, 'moe-Workbench-status')
    );
    this._model.changed.connect(this._onModelChanged, this);
    this.node.addEventListener('keydown', this);
  }

  get model(): PanelModel {
    return this._model;
  }

  /** The id of the open tab. */
  get view(): ViewName {
    return this._view;
  }

  /** Emitted when another tab is opened. */
  get viewChanged(): ISignal<this, string> {
    return this._viewChanged;
  }

  /** Opens a tab, or the tab of a tool. An unknown name changes nothing. */
  open(id: string): void {
    if (isView(id)) {
      this._show(id);
    } else if (isExperiment(id)) {
      this._show('experiments');
      (this._views.get('experiments') as ExperimentsView).open(id);
    }
  }

  handleEvent(event: Event): void {
    const { key, altKey } = event as KeyboardEvent;
    const selection = this._model.kernel?.selection;
    if (altKey && selection && (key === 'ArrowLeft' || key === 'ArrowRight')) {
      event.preventDefault();
      event.stopPropagation();
      if (key === 'ArrowLeft') {
        selection.back();
      } else {
        selection.forward();
      }
    }
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.node.removeEventListener('keydown', this);
    super.dispose();
    this._model.dispose();
    this._networks.forEach(network => network.dispose());
    this._networks.clear();
    Signal.clearData(this);
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    // The widget around it names every content alike.
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this.title.label);
    this._show(this._view);
    this._model.visible = this.isVisible;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._model.visible = true;
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._model.visible = false;
  }

  protected override onBeforeDetach(message: Message): void {
    this._model.visible = false;
    super.onBeforeDetach(message);
  }

  private _show(id: ViewName): void {
    if (!this._views.has(id)) {
      this._add(id, VIEWS[id](this._viewOptions));
    }
    this._view = id;
    this._tabs.current = id;
    this._views.forEach((own, name) => own.setHidden(name !== id));
    this._viewChanged.emit(id);
  }

  private _add(id: ViewName, view: Widget): void {
    view.addClass('moe-Workbench-view');
    view.node.setAttribute('role', 'tabpanel');
    view.node.setAttribute(
      'aria-label',
      VIEW_TITLES[id](this._options.context.trans)
    );
    view.hide();
    this._views.set(id, view);
    (this._body.layout as PanelLayout).addWidget(view);
  }

  private _onModelChanged(): void {
    const findings = this._model.kernel?.source.findings?.found.findings.length;
    if (findings !== this._findings) {
      this._findings = findings;
      this._tabs.tabs = this._listTabs();
    }
  }

  private _listTabs(): ITab[] {
    const { trans } = this._options.context;
    return VIEW_NAMES.map(id => ({
      id,
      title: VIEW_TITLES[id](trans),
      ...(id === 'findings' && this._findings
        ? { badge: String(this._findings) }
        : {})
    }));
  }

  /** One for each notebook, so that a view is drawn anew only for another one. */
  private _contextOf(kernel: INotebookKernel | null): IViewContext | null {
    if (!kernel || kernel.follower.status === 'other-kernel') {
      return null;
    }
    let context = this._contexts.get(kernel);
    // What was read of a kernel that was shut down stays.
    if (!context && kernel.follower.status === 'no-kernel') {
      return null;
    }
    if (!context) {
      const { source, selection } = kernel;
      source.changed.connect(this._onModelChanged, this);
      const network = new NetworkModel(source);
      this._networks.add(network);
      context = {
        source,
        selection,
        network,
        trans: this._options.context.trans,
        open: view => this.open(view)
      };
      this._contexts.set(kernel, context);
    }
    return context;
  }

  private _body = new Widget();
  private _contexts = new WeakMap<INotebookKernel, IViewContext>();
  private _findings: number | undefined;
  private _model: PanelModel;
  private _networks = new Set<NetworkModel>();
  private _tabs: TabRow;
  private _view: ViewName = 'overview';
  private _viewChanged = new Signal<this, string>(this);
  private _viewOptions: IViewOptions;
  private _views = new Map<ViewName, Widget>();
}

export namespace Workbench {
  export interface IOptions {
    tracker: INotebookTracker;
    context: IMoEContext;
    kernels: NotebookKernels;
    /** Says why there is nothing to show, and what to do. */
    notice: (model: PanelModel) => Widget;
  }
}

function isView(id: string): id is ViewName {
  return VIEW_NAMES.some(name => name === id);
}
