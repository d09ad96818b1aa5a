import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { ITranslator } from '@jupyterlab/translation';
import { SidePanel } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { MessageLoop, type Message } from '@lumino/messaging';
import { Widget, type AccordionPanel } from '@lumino/widgets';
import { moeDebuggerIcon } from '../icons';
import type { NotebookKernels } from '../kernel';
import type { IMoEContext } from '../tokens';
import type { PanelModel } from './model';

/**
 * The side panel: follows the active notebook's kernel while it is visible. Its sections are loaded when
 * it is first shown.
 */
export class MoEDebuggerPanel extends SidePanel {
  constructor(private _options: MoEDebuggerPanel.IOptions) {
    super({ translator: _options.translator });
    const { trans } = _options.context;
    this.id = MoEDebuggerPanel.ID;
    this.addClass('moe-Panel');
    this.title.icon = moeDebuggerIcon;
    this.title.caption = trans.__('MoE Debugger');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('MoE Debugger'));
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    super.dispose();
    this._model?.dispose();
  }

  /** Resolves when the sections are there, or could not be loaded; undefined before the panel is shown. */
  get loaded(): Promise<void> | undefined {
    return this._loading;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._follow();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._follow();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._follow();
  }

  protected override onBeforeDetach(message: Message): void {
    if (this._model) {
      this._model.visible = false;
    }
    super.onBeforeDetach(message);
  }

  private get _accordion(): AccordionPanel {
    return this.content as AccordionPanel;
  }

  private _follow(): void {
    if (this._model) {
      this._model.visible = this.isVisible;
    } else if (this.isVisible) {
      this._loading ??= this._load().catch(error => {
        this._loading = undefined;
        console.error('MoE Debugger: the panel did not load', error);
      });
    }
  }

  private async _load(): Promise<void> {
    const [{ createPanelContent }, kernels] = await Promise.all([
      import('./sections'),
      this._options.kernels?.()
    ]);
    if (this.isDisposed) {
      return;
    }
    const { model, status, head, sections } = createPanelContent({
      ...this._options,
      kernels
    });
    this._model = model;
    this.header.addWidget(status);
    this.header.addWidget(head);
    this._followHeader();
    sections.forEach(({ widget }) => this.addWidget(widget));
    const accordion = this._accordion;
    sections.forEach(({ isClosed }, i) => {
      if (isClosed) {
        accordion.collapse(i);
      }
    });
    // By default, an accordion restores the size that a section had when it was closed, which is 0 at first.
    const share = () =>
      accordion.setRelativeSizes(
        sections.map(section => (section.widget.isHidden ? 0 : section.share))
      );
    accordion.expansionToggled.connect(share);
    share();
    this._follow();
  }

  /** The sections share the height that the header leaves, whatever it says. */
  private _followHeader(): void {
    if (typeof ResizeObserver === 'undefined') {
      return;
    }
    const observer = new ResizeObserver(() =>
      MessageLoop.sendMessage(this._accordion, Widget.ResizeMessage.UnknownSize)
    );
    observer.observe(this.header.node);
    this.disposed.connect(() => observer.disconnect());
  }

  private _loading: Promise<void> | undefined;
  private _model: PanelModel | undefined;
}

export namespace MoEDebuggerPanel {
  export const ID = 'moe-debugger-panel';

  export interface IOptions {
    tracker: INotebookTracker;
    context: IMoEContext;
    commands: CommandRegistry;
    contents: Contents.IManager;
    translator: ITranslator;
    /** Connections that are shared with other views. Default: its own. */
    kernels?: () => Promise<NotebookKernels>;
  }
}
