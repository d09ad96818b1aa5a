/**
 * Runs code that an untrusted file controls with a time limit that V8 enforces: chat templates are programs, and the
 * patterns of a tokenizer.json may backtrack for ever. The limit also ends a regular expression.
 */
import { createContext, Script } from 'node:vm';

const scope: { work?: () => unknown } = {};
let run: ((timeout: number) => unknown) | undefined;

/** @throws TimeLimitError if the work takes longer than `milliseconds`; what the work throws */
export function withTimeLimit<T>(milliseconds: number, work: () => T): T {
  run ??= compiled();
  const outer = scope.work;
  scope.work = work;
  try {
    return run(milliseconds) as T;
  } catch (error) {
    throw (error as { code?: unknown })?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
      ? new TimeLimitError(milliseconds)
      : error;
  } finally {
    scope.work = outer;
  }
}

export class TimeLimitError extends Error {
  constructor(milliseconds: number) {
    super(`not done after ${milliseconds / 1000} s`);
    this.name = 'TimeLimitError';
  }
}

function compiled(): (timeout: number) => unknown {
  const context = createContext(scope);
  const script = new Script('work()');
  return timeout => script.runInContext(context, { timeout });
}
