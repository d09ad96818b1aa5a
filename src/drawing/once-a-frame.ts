import type { IDisposable } from '@lumino/disposable';

/** Runs a task at most once per frame, however often it is requested. */
export class OnceAFrame implements IDisposable {
  constructor(private _work: () => void) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  ask(): void {
    if (this._frame === 0 && !this._isDisposed) {
      this._frame = requestAnimationFrame(() => {
        this._frame = 0;
        this._work();
      });
    }
  }

  dispose(): void {
    this._isDisposed = true;
    cancelAnimationFrame(this._frame);
  }

  private _frame = 0;
  private _isDisposed = false;
}
