/** Runs the user's code interruptibly, whatever it awaits. */
import { MessageChannel } from 'node:worker_threads';
import { UNWIND } from './terminator';

/** The error of a cell or a callback that was interrupted. */
export class InterruptedError extends Error {
  override readonly name = 'Interrupted';
  constructor() {
    super('stopped by an interrupt request');
  }
}

export class Interrupter {
  private readonly _active = new Set<() => void>();
  private readonly _callbacks = new Set<() => void>();
  private readonly _tasks: (() => void)[] = [];
  private readonly _channel = new MessageChannel();
  private readonly _onError: (error: unknown) => void;

  /** `onError` receives errors of `onInterrupt` callbacks. */
  constructor(onError: (error: unknown) => void) {
    this._onError = onError;
    this._channel.port1.on('message', () => this._tasks.shift()?.());
    this._defineUnwind();
  }

  /**
   * Runs `task` in a separate turn of the event loop. Forced termination discards its whole call stack, including
   * `finally` blocks and queued microtasks, so no code of the kernel may be on it.
   * @throws InterruptedError as soon as an interrupt arrives, even if `task` never settles
   */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const interrupt = (): void => {
        this._active.delete(interrupt);
        reject(new InterruptedError());
      };
      const finish = (settle: () => void): void => {
        this._active.delete(interrupt);
        settle();
      };
      this._active.add(interrupt);
      this._tasks.push(() => {
        // Interrupted before it started.
        if (!this._active.has(interrupt)) {
          return;
        }
        try {
          Promise.resolve(task()).then(
            value => finish(() => resolve(value)),
            error => finish(() => reject(error))
          );
        } catch (error) {
          finish(() => reject(error));
        }
      });
      this._channel.port2.postMessage(null);
    });
  }

  /** Rejects everything that runs. Synchronous loops must be terminated first: see `Terminator`. */
  interrupt(): void {
    for (const callback of [...this._callbacks]) {
      try {
        callback();
      } catch (error) {
        this._onError(error);
      }
    }
    for (const interrupt of [...this._active]) {
      interrupt();
    }
  }

  onInterrupt(callback: () => void): () => void {
    this._callbacks.add(callback);
    return () => {
      this._callbacks.delete(callback);
    };
  }

  dispose(): void {
    this._channel.port1.close();
  }

  /**
   * Node asserts that the stack of async ids is empty after each turn of the event loop, and otherwise aborts the process.
   * Terminated code never pops its entry. Node clears the stack when an exception leaves a callback; this simulates such
   * an exception.
   */
  private _defineUnwind(): void {
    const node = process as NodeJS.Process & {
      _fatalException?: (error: unknown) => boolean;
    };
    Object.defineProperty(globalThis, Symbol.for(UNWIND), {
      configurable: true,
      value: () => node._fatalException?.(TERMINATED)
    });
  }
}

/** Passed to the `uncaughtException` handler when code was terminated; not an error. */
export const TERMINATED = new InterruptedError();
