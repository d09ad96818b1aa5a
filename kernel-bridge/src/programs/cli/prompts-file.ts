/** Reads prompts from a JSON Lines file, one at a time. */
import type { PromptObject } from '../../run/model/prompt';
import { readJsonLines, refuse, type JsonLine } from './json-lines';

const HINT = 'each line is {"id"?, "text" | "input_ids", "domain"?}';

/** @throws MoEDebuggerError 'input' naming the line that is not a prompt */
export async function* readPrompts(
  path: string
): AsyncGenerator<PromptObject, void, undefined> {
  for await (const line of readJsonLines(path, {
    what: 'prompts',
    hint: HINT
  })) {
    yield parsePrompt(line);
  }
}

function parsePrompt({ value, where, number }: JsonLine): PromptObject {
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
    refuse('the line needs one of "text" and "input_ids"', where, HINT);
  }
  return {
    id: id === undefined ? String(number) : String(id),
    ...(typeof text === 'string'
      ? { text }
      : { inputIds: inputIds as number[] }),
    ...(decoderInputIds === undefined
      ? {}
      : { decoderInputIds: decoderInputIds as number[] }),
    ...(domain === undefined ? {} : { domain: String(domain) })
  };
}
