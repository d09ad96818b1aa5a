/** Options that a call cannot do without. */
import { MoEDebuggerError } from './errors';

/**
 * @param caller name of the function, for messages
 * @throws MoEDebuggerError 'input' for options that are left out, or are no object
 */
export function checkGiven(
  options: unknown,
  caller: string,
  hint: string
): void {
  if (typeof options !== 'object' || options === null) {
    throw new MoEDebuggerError(
      'input',
      options === undefined
        ? 'no options are given'
        : `options cannot be ${String(options)}`,
      { where: caller, hint }
    );
  }
}
