import type { PreviousEnd } from '../../base/protocol';

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
