/** Warnings about names that go away. */

const warned = new Set<string>();

/**
 * Warns once a process that a name goes away; Node shows it, or hides it with `--no-deprecation`.
 *
 * @param code identifies the warning, as in MOE_DEP0001
 */
export function warnDeprecated(
  code: string,
  name: string,
  instead: string
): void {
  if (!warned.has(code)) {
    warned.add(code);
    process.emitWarning(`${name} is deprecated: use ${instead}`, {
      type: 'DeprecationWarning',
      code
    });
  }
}
