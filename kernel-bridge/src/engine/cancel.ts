/** Waiting that a person can end: by an AbortSignal, or by interrupting the cell. */
import { MoEDebuggerError } from '../errors';
import { currentKernel } from '../kernel/api';

/**
 * Settles as `work` does, or rejects with 'cancelled' at once when the signal aborts or the kernel is interrupted.
 * onnxruntime finishes the forward it is in on its own thread; its result is dropped and the session stays usable.
 */
export async function cancellable<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  let stop: (() => void) | undefined;
  const cancelled = new Promise<never>((_, reject) => {
    stop = () => reject(cancelledError());
  });
  // Whoever loses the race must not become an unhandled rejection.
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

export function cancelledError(): MoEDebuggerError {
  return new MoEDebuggerError('cancelled', 'cancelled', { hint: 'the model is still loaded; run it again when you like' });
}
