import type { TokenCharacters } from 'moe-debugger/charts';
import type { Token } from 'moe-debugger/protocol';
import type { IRange } from './range';

/** Longer tokens are searched to here. */
const MAX_TEXT = 200;
const MAX_HITS = 10_000;

/** The text of tokens for searches, with the token of each character. */
export class TokenTextIndex {
  constructor(
    tokens: readonly Token[],
    characters: readonly TokenCharacters[]
  ) {
    const parts: string[] = [];
    let at = 0;
    const add = (text: string, index: number): void => {
      const own = text.slice(0, MAX_TEXT).toLowerCase();
      this._starts.push(at);
      this._tokens.push(index);
      parts.push(own);
      at += own.length;
    };
    let next = 0;
    for (let index = 0; index < tokens.length;) {
      const run = characters[next];
      if (run?.from === index) {
        add(run.text, index);
        index = run.to;
        next++;
      } else {
        add(tokens[index].text ?? '', index);
        index++;
      }
    }
    this._starts.push(at);
    this._tokens.push(tokens.length);
    this._text = parts.join('');
  }

  /** The tokens of each place where the text stands, whatever its case. At most 10,000. */
  find(text: string): IRange[] {
    const wanted = text.toLowerCase();
    const hits: IRange[] = [];
    if (wanted === '') {
      return hits;
    }
    let part = 0;
    for (
      let at = this._text.indexOf(wanted);
      at >= 0 && hits.length < MAX_HITS;
      at = this._text.indexOf(wanted, at + wanted.length)
    ) {
      while (this._starts[part + 1] <= at) {
        part++;
      }
      let last = part;
      while (this._starts[last + 1] < at + wanted.length) {
        last++;
      }
      hits.push({ from: this._tokens[part], to: this._tokens[last + 1] });
    }
    return hits;
  }

  /** First index in the text of each part, and the length of the text. */
  private _starts: number[] = [];
  private _text: string;
  /** First token of each part, and the number of tokens. */
  private _tokens: number[] = [];
}
