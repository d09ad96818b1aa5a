import type { IDisposable } from '@lumino/disposable';

/** Least time between two answers, in milliseconds: each takes a kernel a moment. */
const INTERVAL = 100;

/**
 * Answers numbered messages when a frame has been drawn since: with the last number, now and then. A page that cannot keep
 * up, or is hidden, answers late or not at all, and its sender waits.
 */
export class FrameAnswers implements IDisposable {
  constructor(private _answer: (last: number) => void) {}

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** A message came, and what it brings will be in the next frame. */
  add(number: number): void {
    this._last = number;
    if (!this._isWaiting && !this._isDisposed) {
      this._isWaiting = true;
      setTimeout(() => {
        requestAnimationFrame(() => {
          this._isWaiting = false;
          if (!this._isDisposed) {
            this._answer(this._last);
          }
        });
      }, INTERVAL);
    }
  }

  dispose(): void {
    this._isDisposed = true;
  }

  private _isDisposed = false;
  private _isWaiting = false;
  private _last = 0;
}
