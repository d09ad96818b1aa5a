/**
 * Terminates code on the main thread from another thread: loops in the synchronous part of a cell, after an `await`, in a
 * timer or in a callback. Only V8 can stop these.
 */
import { Session, type Debugger } from 'node:inspector';

/** Set on the main thread's `globalThis` by `Interrupter`; called while the main thread is paused. */
export const UNWIND = 'moe-debugger.unwind';

/** Maximum wait for a pause; JavaScript reaches a statement much sooner. */
const PAUSE_MS = 1000;

export class Terminator {
  private readonly _guarded: string[];
  private _session: Session | undefined;

  /** Code in the `guarded` folders may finish: a compiler that is cut short would be left in a broken state. */
  constructor(guarded: string[]) {
    this._guarded = guarded.map(folder => folder.replace(/\\/g, '/'));
  }

  /**
   * Pauses the main thread at its next statement, and terminates the code there if `wanted` still holds and it is not the kernel's own.
   * Without the pause, a late termination would hit whatever the kernel runs next.
   */
  terminate(wanted: () => boolean): void {
    if (this._session) {
      return;
    }
    const session = new Session();
    this._session = session;
    const urls = new Map<string, string>();
    session.connectToMainThread();
    session.on('Debugger.scriptParsed', ({ params }) => {
      urls.set(params.scriptId, params.url);
    });
    session.on('Debugger.paused', ({ params }) => {
      if (wanted() && !this._isGuarded(params.callFrames, urls)) {
        terminate(session);
      }
      session.post('Debugger.resume');
      this._end();
    });
    session.post('Debugger.enable');
    session.post('Debugger.pause');
    setTimeout(() => {
      if (session === this._session) {
        // No statement was reached: the thread is idle, or inside a regular expression.
        if (wanted()) {
          terminate(session);
        }
        this._end();
      }
    }, PAUSE_MS).unref();
  }

  private _end(): void {
    const session = this._session;
    this._session = undefined;
    session?.post('Debugger.disable', () => session.disconnect());
  }

  private _isGuarded(
    frames: Debugger.CallFrame[],
    urls: Map<string, string>
  ): boolean {
    return frames.every(frame => {
      const url = urls.get(frame.location.scriptId) ?? '';
      return (
        url.startsWith('node:') ||
        this._guarded.some(folder => url.includes(folder))
      );
    });
  }
}

function terminate(session: Session): void {
  session.post('Runtime.evaluate', {
    expression: `globalThis[Symbol.for('${UNWIND}')]?.()`
  });
  session.post('Runtime.terminateExecution');
}
