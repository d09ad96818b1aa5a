import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import { TOOL_NAMES, type ToolName } from 'moe-debugger/protocol';
import { ToolPanel } from './tool';
import { TOOLS } from '../tools';
import { TabRow } from './tab-row';
import type { IViewOptions } from './view-kinds';

export type Experiment = Exclude<ToolName, 'lens'>;

/** All tools but the lens, which has a tab of its own. */
const EXPERIMENTS = TOOL_NAMES.filter(
  (name): name is Experiment => name !== 'lens'
);

export function isExperiment(name: string): name is Experiment {
  return EXPERIMENTS.some(own => own === name);
}

/** The tools that change a model or explain a run, one at a time. */
export class ExperimentsView extends Widget {
  constructor(private _options: IViewOptions) {
    super();
    const { trans } = _options.context;
    this.addClass('moe-ExperimentsView');
    const layout = (this.layout = new PanelLayout());
    this._tabs = new TabRow({
      label: trans.__('Experiments'),
      tabs: EXPERIMENTS.map(name => ({
        id: name,
        title: TOOLS[name].title(trans)
      })),
      trans,
      choose: name => this.open(name as Experiment)
    });
    layout.addWidget(this._tabs);
  }

  get chosen(): Experiment {
    return this._chosen;
  }

  open(name: Experiment): void {
    this._chosen = name;
    this._show();
  }

  protected override onBeforeShow(message: Message): void {
    super.onBeforeShow(message);
    this._show();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._show();
  }

  private _show(): void {
    this._tabs.current = this._chosen;
    if (!this._panels.has(this._chosen)) {
      this._add(this._chosen);
    }
    this._panels.forEach((own, name) => own.setHidden(name !== this._chosen));
  }

  private _add(name: Experiment): void {
    const { model, context } = this._options;
    const panel = new ToolPanel({ name, model, context });
    panel.hide();
    (this.layout as PanelLayout).addWidget(panel);
    this._panels.set(name, panel);
  }

  private _chosen: Experiment = 'experts';
  private _panels = new Map<Experiment, ToolPanel>();
  private _tabs: TabRow;
}
