/** Text that is being generated, next to what the model generated without edits. */
import { count, flag, list, object, oneOf, share, text } from './checks';
import type { ToolState } from './tools';

export interface GeneratedToken {
  id: number;
  /** Text that it adds; empty for a part of a character. Absent when the model has no tokenizer. */
  text?: string;
}

const STATUSES = ['running', 'done', 'cancelled', 'failed'] as const;

/** One run of the model. */
export interface GeneratedText {
  tokens: GeneratedToken[];
  status: (typeof STATUSES)[number];
  /** Share of prompt and generated tokens that select each expert: [routers][experts]. Set at the end. */
  rates?: number[][];
}

/** Why the kernel rejected an action. */
export interface Refusal {
  text: string;
  /** Index of the layer among those that the tool shows; null if none is concerned. */
  row: number | null;
}

/** State of tools that generate with an edit, next to the text without it. */
export interface EditedTextState extends ToolState {
  /** Text, or comma-separated ids when the model has no tokenizer. */
  prompt: string;
  maxNewTokens: number;
  /** Null before it has run for this prompt. */
  original: GeneratedText | null;
  /** Null while there are no edits. */
  edited: GeneratedText | null;
  refusal: Refusal | null;
}

const MAX_TOKENS = 1 << 14;
const MAX_TOKEN_TEXT = 4096;
const MAX_PROMPT_LENGTH = 1 << 20;
const MAX_REFUSAL_LENGTH = 1000;
const MAX_NEW_TOKENS = 4096;

/** @throws ProtocolError */
export function readGeneratedText(value: unknown, at: string): GeneratedText {
  const source = object(value, at);
  return {
    tokens: list(source.tokens, `${at}.tokens`, MAX_TOKENS).map((entry, i) => {
      const token = object(entry, `${at}.tokens[${i}]`);
      const id = count(token.id, `${at}.tokens[${i}].id`);
      return token.text === undefined
        ? { id }
        : {
            id,
            text: text(token.text, `${at}.tokens[${i}].text`, MAX_TOKEN_TEXT)
          };
    }),
    status: oneOf(source.status, STATUSES, `${at}.status`),
    ...(source.rates === undefined
      ? {}
      : { rates: readRates(source.rates, `${at}.rates`) })
  };
}

/** @param rows number of layers that a refusal may refer to @throws ProtocolError */
export function readEditedText(
  source: Record<string, unknown>,
  rows: number
): EditedTextState {
  const run = (key: 'original' | 'edited'): GeneratedText | null =>
    source[key] === null ? null : readGeneratedText(source[key], key);
  return {
    prompt: readPrompt(source.prompt),
    maxNewTokens: count(source.maxNewTokens, 'maxNewTokens'),
    running: flag(source.running, 'running'),
    original: run('original'),
    edited: run('edited'),
    refusal: readRefusal(source.refusal, rows)
  };
}

/** @throws ProtocolError */
export function readRefusal(value: unknown, rows: number): Refusal | null {
  if (value === null) {
    return null;
  }
  const source = object(value, 'refusal');
  return {
    text: text(source.text, 'refusal.text').slice(0, MAX_REFUSAL_LENGTH),
    row: source.row === null ? null : count(source.row, 'refusal.row', rows - 1)
  };
}

/** @throws ProtocolError */
export function readPrompt(value: unknown, at = 'prompt'): string {
  return text(value, at, MAX_PROMPT_LENGTH);
}

/** Validates a request to generate. @throws ProtocolError */
export function readGenerateAction(source: Record<string, unknown>): {
  do: 'generate';
  prompt: string;
  maxNewTokens: number;
} {
  return {
    do: 'generate',
    prompt: readPrompt(source.prompt),
    maxNewTokens: count(source.maxNewTokens, 'maxNewTokens', MAX_NEW_TOKENS)
  };
}

/** Both texts as text. */
export function describeTexts({
  prompt,
  original,
  edited
}: EditedTextState): string[] {
  return [
    ...(prompt === '' ? [] : [`prompt: ${prompt}`]),
    ...(original ? [`original: ${generatedText(original.tokens)}`] : []),
    ...(edited ? [`edited: ${generatedText(edited.tokens)}`] : [])
  ];
}

/** Token rates, [routers][experts]. @throws ProtocolError */
export function readRates(value: unknown, at: string): number[][] {
  return list(value, at).map((row, i) =>
    // Thousands of rates come with each token, so a field name is built only for an invalid one.
    list(row, `${at}[${i}]`).map((rate, e) =>
      typeof rate === 'number' && rate >= 0 && rate <= 1
        ? rate
        : share(rate, `${at}[${i}][${e}]`)
    )
  );
}

/** Indices of the tokens of `edited` that differ from `original` at the same index. */
export function changedTokens(
  original: readonly GeneratedToken[],
  edited: readonly GeneratedToken[]
): boolean[] {
  return edited.map(({ id }, i) => original[i]?.id !== id);
}

/** The text of a run; ids when the model has no tokenizer. */
export function generatedText(tokens: readonly GeneratedToken[]): string {
  return tokens.every(token => token.text === undefined)
    ? tokens.map(({ id }) => id).join(' ')
    : tokens.map(token => token.text ?? '').join('');
}
