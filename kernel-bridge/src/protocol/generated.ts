/** Text that a model writes while one watches, beside what it wrote before an edit. */
import { count, list, object, oneOf, share, text } from './checks';

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

const MOST_TOKENS = 1 << 14;
const MOST_TOKEN_TEXT = 4096;

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

/** Token rates, [routers][experts]. @throws ProtocolError */
export function readRates(value: unknown, at: string): number[][] {
  return list(value, at).map((row, i) =>
    list(row, `${at}[${i}]`).map((rate, e) => share(rate, `${at}[${i}][${e}]`))
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
