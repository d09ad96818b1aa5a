/** Text as it comes out of a model, token by token. */
import type { Tokenizer } from '../model/tokenizer';

/** What a decoder writes for bytes that are not yet a character. */
const INCOMPLETE = '\ufffd';
/** Tokens before the first new one that decide how it is written, as a leading space is. */
const CONTEXT = 4;

/**
 * Turns tokens into text. A character whose bytes are spread over several tokens comes with the last of them. What
 * `push` and `end` return, put together, is the whole text.
 */
export class TextStream {
  private readonly _ids: number[];
  /** Tokens from here are decoded together. */
  private _start = 0;
  /** Text of tokens up to here has been returned. */
  private _returned: number;

  /** @param context the tokens before */
  constructor(
    private readonly _tokenizer: Pick<Tokenizer, 'decode'>,
    context: readonly number[]
  ) {
    this._ids = context.slice(-CONTEXT);
    this._returned = this._ids.length;
  }

  /** The text that this token completes; may be empty. */
  push(id: number): string {
    this._ids.push(id);
    const text = this._decode(this._ids.length);
    if (text.endsWith(INCOMPLETE)) {
      return '';
    }
    const fresh = this._fresh(text);
    if (fresh !== '') {
      this._start = this._returned;
      this._returned = this._ids.length;
    }
    return fresh;
  }

  /** What was held back: bytes that never became a character. */
  end(): string {
    const rest = this._fresh(this._decode(this._ids.length));
    this._start = this._returned = this._ids.length;
    return rest;
  }

  private _fresh(text: string): string {
    const before = this._decode(this._returned);
    let same = 0;
    while (same < before.length && before[same] === text[same]) {
      same++;
    }
    return text.slice(same);
  }

  private _decode(end: number): string {
    return end > this._start
      ? this._tokenizer.decode(this._ids.slice(this._start, end))
      : '';
  }
}

/**
 * Looks for stop strings in text that comes in pieces. A piece that may be the beginning of a stop string is held
 * back until the next one tells.
 */
export class StopStrings {
  private _held = '';

  constructor(private readonly _stops: readonly string[]) {}

  /** The text that is certain to come before any stop string, and whether one was found. */
  push(text: string): { text: string; stopped: boolean } {
    this._held += text;
    const found = this._stops
      .map(stop => this._held.indexOf(stop))
      .filter(index => index >= 0);
    if (found.length > 0) {
      const before = this._held.slice(0, Math.min(...found));
      this._held = '';
      return { text: before, stopped: true };
    }
    const certain = this._held.length - this._overlap();
    const before = this._held.slice(0, certain);
    this._held = this._held.slice(certain);
    return { text: before, stopped: false };
  }

  /** What was held back in vain. */
  end(): string {
    const rest = this._held;
    this._held = '';
    return rest;
  }

  /** Length of the longest end of the held text that a stop string begins with. */
  private _overlap(): number {
    const longest = Math.max(0, ...this._stops.map(({ length }) => length - 1));
    for (
      let length = Math.min(longest, this._held.length);
      length > 0;
      length--
    ) {
      const tail = this._held.slice(-length);
      if (this._stops.some(stop => stop.startsWith(tail))) {
        return length;
      }
    }
    return 0;
  }
}
