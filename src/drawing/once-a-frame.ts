import type { IDisposable } from '@lumino/disposable';

/** Work that is done once a frame, however often it is asked for. */
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
