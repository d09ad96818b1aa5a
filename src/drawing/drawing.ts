import type { IDisposable } from '@lumino/disposable';
import { keepTextEditing } from './own-keys';

/** Base of everything that is drawn into an element. Its creator attaches the element and disposes the drawing. */
export abstract class Drawing implements IDisposable {
  constructor(className?: string) {
    if (className) {
      this.node.className = className;
    }
    keepTextEditing(this.node);
  }

  readonly node = document.createElement('div');

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this.node.remove();
  }

  private _isDisposed = false;
}
