/** Reads a JSON Lines file, one object at a time; gzipped or not, in UTF-8 or with a byte order mark in UTF-16. */
import { isUtf8 } from 'node:buffer';
import { existsSync, statSync } from 'node:fs';
import { MoEDebuggerError } from '../../base/errors';
import { LineReader } from '../../files/line-reader';

const MAX_LINE = 16 << 20;

/** One line that is an object. */
export interface JsonLine {
  value: Record<string, unknown>;
  /** File and line, for messages. */
  where: string;
  /** From 0. */
  number: number;
}

/** What a file is expected to hold, for messages. */
export interface Expected {
  /** Such as "prompts". */
  what: string;
  /** What each line is. */
  hint: string;
}

/** @throws MoEDebuggerError 'input' naming the file, or the line that is not an object */
export async function* readJsonLines(
  path: string,
  { what, hint }: Expected
): AsyncGenerator<JsonLine, void, undefined> {
  if (!existsSync(path)) {
    refuse(`no such ${what} file`, path, 'give a JSON Lines file');
  }
  if (statSync(path).isDirectory()) {
    refuse('this is a folder', path, `give a JSON Lines file of ${what} in it`);
  }
  const reader = new LineReader(path);
  try {
    for (;;) {
      const line = await reader.next();
      if (line === undefined) {
        break;
      }
      const where = `${path}:${reader.number}`;
      if (line.length > MAX_LINE) {
        refuse('the line is too long', where, hint);
      }
      if (!isUtf8(line) || line.includes(0)) {
        refuse(
          'the line is not text in UTF-8',
          where,
          'save the file as JSON Lines in UTF-8, gzipped or not'
        );
      }
      const text = line.toString('utf8').trim();
      if (text !== '') {
        yield {
          value: parseLine(text, where, hint),
          where,
          number: reader.number - 1
        };
      }
    }
  } finally {
    reader.close();
  }
}

export function refuse(what: string, where: string, hint: string): never {
  throw new MoEDebuggerError('input', what, { where, hint });
}

function parseLine(
  line: string,
  where: string,
  hint: string
): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    refuse('the line is not JSON', where, hint);
  }
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : refuse('the line is not an object', where, hint);
}
