/** Token texts as chart labels: white space made visible, long texts truncated, crowded axes thinned. */
import { NO_TOKEN_ID, type Token } from '../protocol';

const MAX_LABEL_LENGTH = 14;
/** Invisible and direction-changing characters would make two different tokens look the same. */
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** What other programs record of a part of a character: it tells neither its bytes nor one part from another. */
const NO_CHARACTER = '\ufffd';

/** A token's text with white space made visible; without a text that can be read its id, without id its position. */
export function tokenText(token: Token): string {
  if (token.text === undefined || token.text.includes(NO_CHARACTER)) {
    return token.id === NO_TOKEN_ID ? `@${token.position}` : `#${token.id}`;
  }
  if (token.text === '') {
    return '∅';
  }
  return token.text
    .replace(/\r?\n/g, '↵')
    .replace(/\t/g, '⇥')
    .replace(/ /g, '·')
    .replace(INVISIBLE, codePoint);
}

/** `<U+200B>` */
function codePoint(character: string): string {
  const digits = character.charCodeAt(0).toString(16).toUpperCase();
  return `<U+${digits.padStart(4, '0')}>`;
}

/** The same, truncated for an axis. */
export function tokenLabel(token: Token): string {
  // Truncate before splitting: an untrusted token may be megabytes long.
  const characters = [...tokenText(token).slice(0, 4 * MAX_LABEL_LENGTH)];
  return characters.length > MAX_LABEL_LENGTH
    ? `${characters.slice(0, MAX_LABEL_LENGTH - 1).join('')}…`
    : characters.join('');
}

/** Distance between labels, so that `count` labels of `size` pixels fit into `length` pixels: 1, 2, 5, 10, ... */
export function labelStride(
  count: number,
  length: number,
  size: number
): number {
  const least = (count * size) / Math.max(length, 1);
  for (let power = 1; ; power *= 10) {
    for (const factor of [1, 2, 5]) {
      if (factor * power >= least) {
        return factor * power;
      }
    }
  }
}

/** 0, stride, 2 × stride, ... below `count`. */
export function labelledIndices(count: number, stride: number): number[] {
  return Array.from(
    { length: Math.ceil(count / stride) },
    (_, i) => i * stride
  );
}

/**
 * A Vega expression for the label of `datum.value`, for the indices that have one. Each text is prefixed with a character
 * that the expression removes: Vega's parser reads a string that is a reserved word, such as the token "if", as an
 * identifier.
 */
export function labelExpression(labels: ReadonlyMap<number, string>): string {
  const marked = Object.fromEntries(
    [...labels].map(([index, label]) => [index, `=${label}`])
  );
  return `slice(${JSON.stringify(marked)}[datum.value] || '=', 1)`;
}
