import { Widget } from '@lumino/widgets';
import type { Drawing } from './drawing';

/** Adapts a drawing to Lumino's layouts. Disposes the drawing. */
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
