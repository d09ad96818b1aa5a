/** Tokens that are bytes of one character, read as people read them: as that character. */
import type { Token } from '../protocol';

/** A run of tokens that make whole characters only together. */
export interface TokenCharacters {
  /** Index of the first token. */
  from: number;
  /** Index after the last token. */
  to: number;
  /** What they spell; `tokenText` makes its white space visible. */
  text: string;
}

/** A byte that is no character by itself, as a tokenizer writes it. */
const BYTE = /<0x([0-9A-F]{2})>/g;
const CONTINUATION = 0x80;
/** Characters share tokens where one ends and the next begins; a run that is longer is none that a person reads. */
const MAX_RUN = 16;

/** Runs of two or more tokens, of bytes that are valid UTF-8 together, in the order of the tokens. */
export function characterRuns(tokens: readonly Token[]): TokenCharacters[] {
  const runs: TokenCharacters[] = [];
  let from = -1;
  let missing = 0;
  tokens.forEach((token, index) => {
    const left = missingAfter(token.text ?? '', missing);
    if (missing > 0 && left === undefined) {
      // The run is broken: this token may begin another.
      const fresh = missingAfter(token.text ?? '', 0) ?? 0;
      from = fresh > 0 ? index : -1;
      missing = fresh;
      return;
    }
    if (missing > 0 && left === 0) {
      const to = index + 1;
      const text = to - from <= MAX_RUN && spelled(tokens.slice(from, to));
      if (text) {
        runs.push({ from, to, text });
      }
    } else if (missing === 0 && left) {
      from = index;
    }
    missing = left ?? 0;
  });
  return runs;
}

/**
 * Continuation bytes that are missing after a text.
 * @param missing those that are missing before it
 * @returns undefined where the text cannot follow
 */
function missingAfter(text: string, missing: number): number | undefined {
  if (missing > 0 && text === '') {
    return undefined;
  }
  let end = 0;
  let left = missing;
  for (const match of text.matchAll(BYTE)) {
    const byte = parseInt(match[1], 16);
    if (left > 0 && (match.index > end || byte >> 6 !== CONTINUATION >> 6)) {
      return undefined;
    }
    left = left > 0 ? left - 1 : continuationsOf(byte);
    if (left < 0) {
      return undefined;
    }
    end = match.index + match[0].length;
  }
  return left > 0 && end < text.length ? undefined : left;
}

/** Continuation bytes after a first byte; -1 where no character begins with it. RFC 3629, section 3. */
function continuationsOf(byte: number): number {
  if (byte < CONTINUATION) {
    return 0;
  }
  return byte >= 0xc2 && byte <= 0xdf
    ? 1
    : byte >= 0xe0 && byte <= 0xef
      ? 2
      : byte >= 0xf0 && byte <= 0xf4
        ? 3
        : -1;
}

/** Undefined where the bytes are no UTF-8. */
function spelled(tokens: readonly Token[]): string | undefined {
  const text = tokens.map(({ text: own = '' }) => own).join('');
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  let end = 0;
  for (const match of text.matchAll(BYTE)) {
    bytes.push(...encoder.encode(text.slice(end, match.index)));
    bytes.push(parseInt(match[1], 16));
    end = match.index + match[0].length;
  }
  bytes.push(...encoder.encode(text.slice(end)));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.from(bytes)
    );
  } catch {
    return undefined;
  }
}
