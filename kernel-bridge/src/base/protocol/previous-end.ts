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

/** As text, for the first cell of the next kernel. */
export function describePreviousEnd(end: PreviousEnd): string {
  return `The kernel before this one ${how(end)} Variables and loaded models are lost.${advice(end)}`;
}

function how(end: PreviousEnd): string {
  switch (end.cause) {
    case 'exit':
      return `ended, because process.exit(${end.code}) was called.`;
    case 'memory':
      return 'crashed: JavaScript ran out of memory.';
    case 'crash':
      return `crashed: ${end.error}.`;
    case 'killed':
      return 'was killed or crashed, for example because the machine ran out of memory.';
  }
}

function advice({ cause }: PreviousEnd): string {
  return cause === 'memory'
    ? ' Process less at a time, or give Node more memory with NODE_OPTIONS=--max-old-space-size=MEGABYTES.'
    : '';
}
