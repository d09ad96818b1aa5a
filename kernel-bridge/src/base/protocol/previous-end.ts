/** How the kernel before this one ended, if it was not shut down. */

export type PreviousEnd =
  /** A cell called `process.exit`. */
  | { cause: 'exit'; code: number }
  /** JavaScript ran out of memory. */
  | { cause: 'memory' }
  /** Node ended it by a fatal error, and named that. */
  | { cause: 'crash'; error: string }
  /** It left no word: it was killed, for example by the system when memory ran out. */
  | { cause: 'killed' };

const LONGEST_ERROR = 200;

/** Reads what a kernel says of the one before it; undefined for nothing that can be read. */
export function readPreviousEnd(value: unknown): PreviousEnd | undefined {
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  const { cause, code, error } = value as Record<string, unknown>;
  switch (cause) {
    case 'exit':
      return Number.isSafeInteger(code)
        ? { cause, code: code as number }
        : undefined;
    case 'crash':
      return typeof error === 'string'
        ? { cause, error: error.slice(0, LONGEST_ERROR) }
        : undefined;
    case 'memory':
    case 'killed':
      return { cause };
    default:
      return undefined;
  }
}
