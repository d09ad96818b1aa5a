/** Reads prompts from a JSON Lines file, one at a time; gzipped or not, in UTF-8 or with a byte order mark in UTF-16. */
import { isUtf8 } from 'node:buffer';
import { existsSync, statSync } from 'node:fs';
import { MoEDebuggerError } from '../../base/errors';
import { LineReader } from '../../files/line-reader';
import type { PromptObject } from '../../run/model/prompt';

const MAX_LINE = 16 << 20;
const HINT = 'each line is {"id"?, "text" | "input_ids", "domain"?}';

/** @throws MoEDebuggerError 'input' naming the line that is not a prompt */
export async function* readPrompts(
  path: string
): AsyncGenerator<PromptObject, void, undefined> {
  if (!existsSync(path)) {
    refuse('no such prompts file', path, 'give a JSON Lines file');
  }
  if (statSync(path).isDirectory()) {
    refuse('this is a folder', path, 'give a JSON Lines file of prompts in it');
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
        refuse('the line is too long', where);
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
        yield parsePrompt(text, where, String(reader.number - 1));
      }
    }
  } finally {
    reader.close();
  }
}

function refuse(what: string, where: string, hint: string = HINT): never {
  throw new MoEDebuggerError('input', what, { where, hint });
}

function parsePrompt(
  line: string,
  where: string,
  fallbackId: string
): PromptObject {
  const value = parseLine(line, where);
  const {
    id,
    text,
    input_ids: inputIds,
    decoder_input_ids: decoderInputIds,
    domain
  } = value;
  const ids = (list: unknown): boolean =>
    list === undefined || (Array.isArray(list) && list.every(Number.isInteger));
  if (
    (typeof text === 'string') === Array.isArray(inputIds) ||
    !ids(inputIds) ||
    !ids(decoderInputIds)
  ) {
    refuse('the line needs one of "text" and "input_ids"', where);
  }
  return {
    id: id === undefined ? fallbackId : String(id),
    ...(typeof text === 'string'
      ? { text }
      : { inputIds: inputIds as number[] }),
    ...(decoderInputIds === undefined
      ? {}
      : { decoderInputIds: decoderInputIds as number[] }),
    ...(domain === undefined ? {} : { domain: String(domain) })
  };
}

function parseLine(line: string, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    refuse('the line is not JSON', where);
  }
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : refuse('the line is not an object', where);
}
