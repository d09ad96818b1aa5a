/** Lets timers and other I/O of the process run during long synchronous work. */
import { setImmediate } from 'node:timers/promises';

const MILLISECONDS = 20;

/**
 * @returns a function to call often: it returns a promise to await when the event loop was busy for long, otherwise
 * undefined, since awaiting each time would be slow
 */
export function pauses(): () => Promise<void> | undefined {
  let last = performance.now();
  return () => {
    const now = performance.now();
    if (now - last < MILLISECONDS) {
      return undefined;
    }
    return setImmediate(undefined).then(() => {
      last = performance.now();
    });
  };
}
