/** Writes to stdout: one JSON document, or text. */
import { once } from 'node:events';

/** Exit code of a program ended by Ctrl-C, as in shells. */
export const INTERRUPTED = 130;

/** Waits for a slow reader, so that long output is not buffered in memory. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) {
    await once(process.stdout, 'drain');
  }
}

export function writeJson(value: unknown): Promise<void> {
  return write(`${JSON.stringify(value)}\n`);
}

/** Shows a progress line on a terminal; nothing if stderr is a file. */
export function progress(text: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\x1b[K${text}`);
  }
}

const BAR = 24;

/**
 * Shows progress with the estimated remaining time.
 * @param started `performance.now()` at the start
 */
export function progressBar(
  what: string,
  done: number,
  total: number,
  started: number
): void {
  const full = Math.round((BAR * done) / Math.max(total, 1));
  const left =
    ((performance.now() - started) / 1000 / Math.max(done, 1)) * (total - done);
  progress(
    `${what} [${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${done} of ${total}, ${left.toFixed(0)} s left`
  );
}
