/**
 * All that commands print: one JSON document, or text, on stdout; progress and remarks on stderr. What a file says is
 * escaped here, so no command can forget it.
 */
import { once } from 'node:events';
import { printable, printableJson } from '../../base/printable';

/** Exit code of a program ended by Ctrl-C, as in shells. */
export const INTERRUPTED = 130;

/** Waits for a slow reader, so that long output is not buffered in memory. */
export function write(text: string): Promise<void> {
  return toStdout(printable(text));
}

export function writeJson(value: unknown): Promise<void> {
  return writeJsonText(`${JSON.stringify(value)}\n`);
}

/** A part of a JSON document that is written in parts. */
export function writeJsonText(json: string): Promise<void> {
  return toStdout(printableJson(json));
}

/** A line on stderr. */
export function remark(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

async function toStdout(text: string): Promise<void> {
  if (!process.stdout.write(text)) {
    await once(process.stdout, 'drain');
  }
}

/** Shows a progress line on a terminal; nothing if stderr is a file. */
export function progress(text: string): void {
  if (process.stderr.isTTY) {
    process.stderr.write(`\r\x1b[K${printable(text)}`);
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
