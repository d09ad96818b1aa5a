import { ErrorBox, ReactDrawing, useSignal } from '../drawing';
import type { ITranslation } from '../translation';
import type { ITool } from './tool';

/** A tool on the screen: in an output, in a widget or in the side panel. The tool goes with it. */
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
    /** Above the tool, where nothing else names it. */
    title?: string;
    /** What to do where there is no kernel. Absent for a result, which needs none. */
    notice?: string;
  }
}

/** Says so when there is no kernel behind the tool, or when the kernel's words cannot be read. */
function Frame(props: ToolFrame.IOptions): JSX.Element {
  const { tool, trans, title, notice } = props;
  const { isLive, isRunning, error, changed } = tool.model;
  useSignal(changed);
  return (
    <div
      className={`moe-ToolFrame${notice === undefined ? ' moe-mod-static' : ''}`}
      // Says to a test or a script what the picture below is of.
      data-moe-live={isLive}
      data-moe-running={isRunning}
    >
      {title && <div className="moe-RoutingView-title">{title}</div>}
      {notice !== undefined && !isLive && (
        <div className="moe-ToolFrame-notice" role="note">
          {notice}
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
