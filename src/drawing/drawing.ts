import type { IDisposable } from '@lumino/disposable';

/** Something on the screen, in an element of its own. Whoever made it puts the element somewhere and disposes it. */
export abstract class Drawing implements IDisposable {
  constructor(className?: string) {
    if (className) {
      this.node.className = className;
    }
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
