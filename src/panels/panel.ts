import type { INotebookTracker } from '@jupyterlab/notebook';
import type { ITranslator } from '@jupyterlab/translation';
import { SidePanel } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import type { AccordionPanel } from '@lumino/widgets';
import { moeDebuggerIcon } from '../icons';
import type { IMoEDebugger } from '../tokens';
import { PanelModel } from './model';
import { ModelsPanel } from './models';
import { RoutingPanel } from './routing';
import { PanelStatus } from './status';
import { TracesPanel } from './traces';

/** The side panel: follows the active notebook's kernel while it is on the screen. */
export class MoEDebuggerPanel extends SidePanel {
  constructor(options: MoEDebuggerPanel.IOptions) {
    super({ translator: options.translator });
    const { context, commands, tracker } = options;
    const { trans } = context;
    this.id = MoEDebuggerPanel.ID;
    this.addClass('moe-Panel');
    this.title.icon = moeDebuggerIcon;
    this.title.caption = trans.__('MoE Debugger');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('MoE Debugger'));
    this._model = new PanelModel({
      tracker,
      preferences: context.preferences
    });
    this.header.addWidget(
      new PanelStatus({ model: this._model, commands, trans })
    );
    this.addWidget(new RoutingPanel({ model: this._model, context }));
    this.addWidget(new TracesPanel({ model: this._model, trans }));
    this.addWidget(new ModelsPanel({ model: this._model, trans }));
    (this.content as AccordionPanel).setRelativeSizes([6, 2, 1]);
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    super.dispose();
    this._model.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
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

  private _model: PanelModel;
}

export namespace MoEDebuggerPanel {
  export const ID = 'moe-debugger-panel';

  export interface IOptions {
    tracker: INotebookTracker;
    context: IMoEDebugger;
    commands: CommandRegistry;
    translator: ITranslator;
  }
}
