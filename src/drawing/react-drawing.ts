import type { ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { Drawing } from './drawing';

/** A drawing by React. It keeps its state while its element is detached. */
export class ReactDrawing extends Drawing {
  constructor(content: ReactNode, className?: string) {
    super(className);
    this._root.render(content);
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._root.unmount();
      super.dispose();
    }
  }

  private _root = createRoot(this.node);
}
