import { ErrorBox, ReactDrawing, useSignal } from '../drawing';
import type { ITranslation } from '../translation';
import type { ITool } from './tool';

/** Draws a tool in an output, a widget or the side panel. Disposes the tool. */
export class ToolFrame extends ReactDrawing {
  constructor(private _options: ToolFrame.IOptions) {
    super(<Frame {..._options} />);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      super.dispose();
      this._options.tool.model.dispose();
    }
  }
}

export namespace ToolFrame {
  export interface IOptions {
    tool: ITool;
    trans: ITranslation;
    /** Shown above the tool, if nothing else names it. */
    title?: string;
    /** Shown without a kernel. Absent for a result, which needs none. */
    notice?: string;
  }
}

/** Adds a notice without a kernel, and an error if the kernel's state is invalid. */
function Frame(props: ToolFrame.IOptions): JSX.Element {
  const { tool, trans, title, notice } = props;
  const { isLive, isRunning, isWaiting, error, changed } = tool.model;
  useSignal(changed);
  return (
    <div
      className={`moe-ToolFrame${notice === undefined ? ' moe-mod-static' : ''}`}
      // Tells tests and scripts the state of the tool.
      data-moe-live={isLive}
      data-moe-running={isRunning}
      data-moe-waiting={isWaiting}
    >
      {title && <div className="moe-RoutingView-title">{title}</div>}
      {notice !== undefined && !isLive && (
        <div className="moe-ToolFrame-notice" role="note">
          {notice}
        </div>
      )}
      {isWaiting && (
        <div className="moe-ToolFrame-notice moe-mod-waiting" role="status">
          {trans.__(
            'Waiting: the kernel runs a cell or another request first. What you type meanwhile is kept.'
          )}
        </div>
      )}
      {tool.draw(trans)}
      {error && (
        <ErrorBox
          title={trans.__('What the kernel sent cannot be shown.')}
          error={error}
        />
      )}
    </div>
  );
}
