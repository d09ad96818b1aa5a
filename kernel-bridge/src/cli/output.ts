/** Writing to stdout: one JSON document, or text for people. */
import { once } from 'node:events';

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
