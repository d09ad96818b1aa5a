import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { createRoot, type Root } from 'react-dom/client';
import { keepTextEditing } from '../drawing/own-keys';
import type { IViewContext, IViewProps } from '../devtools/context';
import type { IViewOptions } from './view-kinds';

/** A view of the traces of the notebook that the workbench shows: drawn anew for another notebook. */
export class SourceView extends Widget {
  constructor(
    private _options: IViewOptions,
    private _View: (props: IViewProps) => JSX.Element | null,
    className: string
  ) {
    super();
    this.addClass(className);
    keepTextEditing(this.node);
    _options.model.changed.connect(this._draw, this);
    this._draw();
  }

  override dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._options.model.changed.disconnect(this._draw, this);
    this._root.unmount();
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._draw();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._draw();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._draw();
  }

  private _draw(): void {
    const context = this._options.current();
    const isShown = this.isVisible;
    // Undefined before the first drawing: no notebook is drawn too.
    if (context === this._drawn && isShown === this._isShown) {
      return;
    }
    if (context !== this._drawn) {
      this._turn++;
    }
    this._drawn = context;
    this._isShown = isShown;
    const View = this._View;
    const { trans } = this._options.context;
    this._root.render(
      context ? (
        <View key={this._turn} context={context} isShown={isShown} />
      ) : (
        <div className="moe-EmptyView" role="status">
          <p>
            {trans.__(
              'Open a notebook whose kernel is the MoE Debugger’s: its traces are shown here.'
            )}
          </p>
        </div>
      )
    );
  }

  private _drawn: IViewContext | null | undefined;
  private _isShown = false;
  private _root: Root = createRoot(this.node);
  private _turn = 0;
}
