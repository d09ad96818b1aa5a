/** Options that have no effect in the way that a command is used: taken in silence, they would mislead. */
import { MoEDebuggerError } from '../../base/errors';

/**
 * @param given values by the option as a person writes it: undefined for one that was not given
 * @throws MoEDebuggerError 'usage' naming the first one that was given
 */
export function refuseUnused(
  command: string,
  given: Readonly<Record<string, unknown>>,
  { because, hint }: { because: string; hint?: string }
): void {
  const option = Object.keys(given).find(name => given[name] !== undefined);
  if (option !== undefined) {
    throw new MoEDebuggerError('usage', `${option} has no effect: ${because}`, {
      where: command,
      hint: hint ?? `leave ${option} out`
    });
  }
}
