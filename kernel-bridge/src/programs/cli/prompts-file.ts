/** Reads prompts from a JSON Lines file, one at a time. */
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { MoEDebuggerError } from '../../base/errors';
import type { PromptObject } from '../../run/model/prompt';

const MAX_LINE = 16 << 20;

/** @throws MoEDebuggerError 'input' naming the line that is not a prompt */
export async function* readPrompts(
  path: string
): AsyncGenerator<PromptObject, void, undefined> {
  if (!existsSync(path)) {
    throw new MoEDebuggerError('input', 'no such prompts file', {
      where: path,
      hint: 'give a JSON Lines file'
    });
  }
  let number = 0;
  for await (const line of createInterface({
    input: createReadStream(path, 'utf8'),
    crlfDelay: Infinity
  })) {
    number++;
    // Editors of Windows write a byte order mark, which is white space to trim.
    const text = line.trim();
    if (text !== '') {
      yield parsePrompt(text, `${path}:${number}`, String(number - 1));
    }
  }
}

function parsePrompt(
  line: string,
  where: string,
  fallbackId: string
): PromptObject {
  const refuse = (what: string): never => {
    throw new MoEDebuggerError('input', what, {
      where,
      hint: 'each line is {"id"?, "text" | "input_ids", "domain"?}'
    });
  };
  let value: Record<string, unknown> = {};
  try {
    value =
      line.length > MAX_LINE
        ? refuse('the line is too long')
        : (JSON.parse(line) as Record<string, unknown>);
  } catch (error) {
    refuse(
      error instanceof MoEDebuggerError ? error.message : 'the line is not JSON'
    );
  }
  if (typeof value !== 'object' || value === null) {
    refuse('the line is not an object');
  }
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
    refuse('the line needs one of "text" and "input_ids"');
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
