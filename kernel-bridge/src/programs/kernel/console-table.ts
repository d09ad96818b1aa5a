/** `console.table` in cells: lines of streams are wrapped by front ends, which takes a wide table apart. */
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { escapeHtml } from '../../show/page/escape-html';
import type { JsonObject } from '../../base/kernel-api';

/**
 * Has `console.table` display what it prints as an output that scrolls.
 *
 * @param show displays a bundle; false where there is no cell, and the table is printed
 */
export function displayTables(show: (bundle: JsonObject) => boolean): void {
  const print = console.table.bind(console);
  console.table = (data: unknown, columns?: string[]): void => {
    // Anything else is printed as by `console.log`.
    if (
      typeof data !== 'object' ||
      data === null ||
      !show(bundleOf(tableText(data, columns)))
    ) {
      print(data, columns);
    }
  };
}

function bundleOf(text: string): JsonObject {
  return {
    'text/html': `<div style="max-width: 100%; overflow-x: auto"><pre style="white-space: pre; word-break: normal; width: max-content">${escapeHtml(text)}</pre></div>`,
    'text/plain': text
  };
}

/** As Node prints it. */
function tableText(data: object, columns?: string[]): string {
  const parts: string[] = [];
  const stdout = new Writable({
    write(chunk: Buffer, _, done) {
      parts.push(chunk.toString());
      done();
    }
  });
  new Console({ stdout, colorMode: false }).table(data, columns);
  return parts.join('').replace(/\n$/, '');
}
