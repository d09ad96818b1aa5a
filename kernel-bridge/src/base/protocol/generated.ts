/** Text that a model writes while one watches, beside what it wrote before an edit. */
import { count, flag, list, object, oneOf, share, text } from './checks';
import type { ToolState } from './tools';

export interface GeneratedToken {
  id: number;
  /** What it adds to the text; empty for a part of a character. Absent when the model has no tokenizer. */
  text?: string;
}

const STATUSES = ['running', 'done', 'cancelled', 'failed'] as const;

/** One run of the model. */
export interface GeneratedText {
  tokens: GeneratedToken[];
  status: (typeof STATUSES)[number];
  /** Of the prompt's and the generated tokens, the share that selects each expert: [routers][experts]. At the end. */
  rates?: number[][];
}

/** Why the kernel did not do what it was asked. */
export interface Refusal {
  text: string;
  /** Index of the layer among those that the tool shows; null where it is not about one of them. */
  row: number | null;
}

/** The state of tools that write with an edit beside what the model wrote without. */
export interface EditedTextState extends ToolState {
  /** Text; ids with commas between them where the model has no tokenizer. */
  prompt: string;
  maxNewTokens: number;
  /** Null until it was run for this prompt. */
  original: GeneratedText | null;
  /** Null while there are no edits. */
  edited: GeneratedText | null;
  refusal: Refusal | null;
}

const MOST_TOKENS = 1 << 14;
const MOST_TOKEN_TEXT = 4096;
const LONGEST_PROMPT = 1 << 20;
const LONGEST_REFUSAL = 1000;
const MOST_NEW_TOKENS = 4096;

/** @throws ProtocolError */
export function readGeneratedText(value: unknown, at: string): GeneratedText {
  const source = object(value, at);
  return {
    tokens: list(source.tokens, `${at}.tokens`, MOST_TOKENS).map((entry, i) => {
      const token = object(entry, `${at}.tokens[${i}]`);
      const id = count(token.id, `${at}.tokens[${i}].id`);
      return token.text === undefined
        ? { id }
        : {
            id,
            text: text(token.text, `${at}.tokens[${i}].text`, MOST_TOKEN_TEXT)
          };
    }),
    status: oneOf(source.status, STATUSES, `${at}.status`),
    ...(source.rates === undefined
      ? {}
      : { rates: readRates(source.rates, `${at}.rates`) })
  };
}

/** @param rows layers that a refusal may be about @throws ProtocolError */
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
    text: text(source.text, 'refusal.text').slice(0, LONGEST_REFUSAL),
    row: source.row === null ? null : count(source.row, 'refusal.row', rows - 1)
  };
}

/** @throws ProtocolError */
export function readPrompt(value: unknown): string {
  return text(value, 'prompt', LONGEST_PROMPT);
}

/** What a page asks to be written. @throws ProtocolError */
export function readGenerateAction(source: Record<string, unknown>): {
  do: 'generate';
  prompt: string;
  maxNewTokens: number;
} {
  return {
    do: 'generate',
    prompt: readPrompt(source.prompt),
    maxNewTokens: count(source.maxNewTokens, 'maxNewTokens', MOST_NEW_TOKENS)
  };
}

/** Both texts, in words. */
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
    // Thousands of them come with each token: a name is made only for one that is wrong.
    list(row, `${at}[${i}]`).map((rate, e) =>
      typeof rate === 'number' && rate >= 0 && rate <= 1
        ? rate
        : share(rate, `${at}[${i}][${e}]`)
    )
  );
}

/** Which tokens of `edited` are not those that stand at the same place in `original`. */
export function changedTokens(
  original: readonly GeneratedToken[],
  edited: readonly GeneratedToken[]
): boolean[] {
  return edited.map(({ id }, i) => original[i]?.id !== id);
}

/** The text of a run; ids where the model has no tokenizer. */
export function generatedText(tokens: readonly GeneratedToken[]): string {
  return tokens.every(token => token.text === undefined)
    ? tokens.map(({ id }) => id).join(' ')
    : tokens.map(token => token.text ?? '').join('');
}
