/** Cancellation by an AbortSignal or by interrupting the cell. */
import { MoEDebuggerError } from '../../base/errors';
import { currentKernel } from '../../base/kernel-api';

/**
 * Settles like `work`, or rejects with 'cancelled' at once when the signal aborts or the kernel is interrupted.
 * onnxruntime finishes the current forward pass on its thread; its result is discarded and the session stays usable.
 */
export async function cancellable<T>(
  work: Promise<T>,
  signal?: AbortSignal
): Promise<T> {
  let stop: (() => void) | undefined;
  const cancelled = new Promise<never>((_, reject) => {
    stop = () => reject(cancelledError());
  });
  // A later rejection must not count as unhandled.
  cancelled.catch(() => undefined);
  work.catch(() => undefined);
  if (signal?.aborted) {
    throw cancelledError();
  }
  signal?.addEventListener('abort', stop!, { once: true });
  const forget = currentKernel()?.onInterrupt(stop!);
  try {
    return await Promise.race([work, cancelled]);
  } finally {
    signal?.removeEventListener('abort', stop!);
    forget?.();
  }
}

/** Records a cancellation, for work that stops itself at a suitable point. */
export class CancelRequest {
  private readonly _forget: (() => void)[] = [];
  private _requested: boolean;

  constructor(signal?: AbortSignal) {
    const request = (): void => {
      this._requested = true;
    };
    this._requested = signal?.aborted ?? false;
    signal?.addEventListener('abort', request, { once: true });
    this._forget.push(() => signal?.removeEventListener('abort', request));
    const forgetInterrupt = currentKernel()?.onInterrupt(request);
    if (forgetInterrupt) {
      this._forget.push(forgetInterrupt);
    }
  }

  get requested(): boolean {
    return this._requested;
  }

  /** Removes the listeners; can be called repeatedly. */
  dispose(): void {
    this._forget.splice(0).forEach(forget => forget());
  }
}

export function cancelledError(): MoEDebuggerError {
  return new MoEDebuggerError('cancelled', 'cancelled', {
    hint: 'the model is still loaded; run it again when you like'
  });
}

/** What long work that is cancelled comes to: an error that carries what is done, or what is done as the result. */
export type OnCancel = 'throw' | 'return';

/** @throws MoEDebuggerError 'input' for what is neither */
export function checkOnCancel(onCancel: unknown = 'throw'): void {
  if (onCancel !== 'throw' && onCancel !== 'return') {
    throw new MoEDebuggerError(
      'input',
      `onCancel cannot be ${String(onCancel)}`,
      {
        where: 'onCancel',
        hint: "give 'throw' or 'return'"
      }
    );
  }
}
