/** Decodes generated tokens to a stream of text. */
import type { Tokenizer } from '../model/tokenizer';

/** Number of preceding tokens to decode with a new one, because they affect its text, for example a leading space. */
const CONTEXT = 4;

/**
 * Decodes tokens to text. A character whose bytes span several tokens is returned with the last of them. The results of
 * `push` and `end` add up to the whole text.
 */
export class TextStream {
  private readonly _ids: number[];
  /** Tokens from this index on are decoded together. */
  private _start = 0;
  /** Text of tokens up to this index has been returned. */
  private _returned: number;

  /** @param context the preceding tokens */
  constructor(
    private readonly _tokenizer: Pick<
      Tokenizer,
      'decode' | 'endsInsideCharacter'
    >,
    context: readonly number[]
  ) {
    this._ids = context.slice(-CONTEXT);
    this._returned = this._ids.length;
  }

  /** The text that this token completes; may be empty. */
  push(id: number): string {
    this._ids.push(id);
    if (this._tokenizer.endsInsideCharacter(this._ids.slice(this._start))) {
      return '';
    }
    const fresh = this._fresh(this._decode(this._ids.length));
    if (fresh !== '') {
      this._start = this._returned;
      this._returned = this._ids.length;
    }
    return fresh;
  }

  /** The remaining text: bytes that never became a character, as `<0xE4>`. */
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
 * Finds stop strings in text that arrives in pieces. A piece that may begin a stop string is held back until it is
 * decided.
 */
export class StopStrings {
  private _held = '';

  constructor(private readonly _stops: readonly string[]) {}

  /** The text that certainly comes before any stop string, and whether one was found. */
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

  /** The text that was held back and is not a stop string. */
  end(): string {
    const rest = this._held;
    this._held = '';
    return rest;
  }

  /** Length of the longest suffix of the held text that begins a stop string. */
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
