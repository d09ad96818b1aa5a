import { PanelLayout, Widget } from '@lumino/widgets';
import { ErrorBox } from '../error-box';
import type { IMoEContext } from '../tokens';
import type { ITool } from './create-tool';

/** A tool on the screen: in an output, in a widget or in the side panel. Says so when there is no kernel behind it. */
export class ToolFrame extends Widget {
  constructor(private _options: ToolFrame.IOptions) {
    super();
    this.addClass('moe-ToolFrame');
    const { tool, title } = _options;
    const layout = (this.layout = new PanelLayout());
    if (title) {
      const heading = new Widget();
      heading.addClass('moe-RoutingView-title');
      heading.node.textContent = title;
      layout.addWidget(heading);
    }
    this._notice = new Widget();
    this._notice.addClass('moe-ToolFrame-notice');
    this._notice.node.setAttribute('role', 'note');
    this._notice.node.textContent = _options.notice ?? '';
    this.toggleClass('moe-mod-static', _options.notice === undefined);
    layout.addWidget(this._notice);
    layout.addWidget(tool.view);
    tool.model.changed.connect(this._update, this);
    this._update();
  }

  /** The tool goes with its frame. */
  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    const { model } = this._options.tool;
    model.changed.disconnect(this._update, this);
    super.dispose();
    model.dispose();
  }

  private _update(): void {
    const { tool, context } = this._options;
    const { isLive, error, state } = tool.model;
    this._notice.setHidden(isLive || this._options.notice === undefined);
    // Says to a test or a script what the picture below is of.
    this.node.dataset.moeLive = String(isLive);
    this.node.dataset.moeRunning = String(isLive && state.running);
    if (error?.message === this._error) {
      return;
    }
    this._error = error?.message;
    this._errorBox?.dispose();
    this._errorBox = undefined;
    if (error) {
      this._errorBox = new ErrorBox({
        title: context.trans.__('What the kernel sent cannot be shown.'),
        error
      });
      (this.layout as PanelLayout).addWidget(this._errorBox);
    }
  }

  private _error: string | undefined;
  private _errorBox: ErrorBox | undefined;
  private _notice: Widget;
}

export namespace ToolFrame {
  export interface IOptions {
    tool: ITool;
    context: IMoEContext;
    /** Above the tool, where nothing else names it. */
    title?: string;
    /** What to do where there is no kernel. Absent for a result, which needs none. */
    notice?: string;
  }
}
