/** Writing to stdout: one JSON document, or text for people. */
import { once } from 'node:events';

/** The exit code of a program that Ctrl-C ended, as shells have it. */
export const INTERRUPTED = 130;

/** Waits while a slow reader catches up, so that long output is not held in memory. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) {
    await once(process.stdout, 'drain');
  }
}

export function writeJson(value: unknown): Promise<void> {
  return write(`${JSON.stringify(value)}\n`);
}

/** A progress line on a terminal; nothing where stderr goes to a file. */
export function progress(text: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\x1b[K${text}`);
  }
}

const BAR = 24;

/**
 * How far long work is, with the time that the rest will take at this pace.
 * @param started when the work began, as `performance.now()` tells it
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
