import { Widget } from '@lumino/widgets';
import type { Drawing } from './drawing';

/** Puts a drawing into Lumino's layouts. The drawing goes with it. */
export class DrawingWidget extends Widget {
  constructor(private _drawing: Drawing) {
    super({ node: _drawing.node });
  }

  override dispose(): void {
    if (!this.isDisposed) {
      super.dispose();
      this._drawing.dispose();
    }
  }
}
