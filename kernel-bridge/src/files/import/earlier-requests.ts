/**
 * Tells which tokens of a request were in an earlier one. A server answers each turn of a conversation with the routing
 * of the whole request, so the earlier turns would be counted again; so would the prompt of several choices. Only hashes
 * are kept, since a file may hold millions of requests.
 */
import { pauses } from '../../base/pause';

/** A request as a sequence: its token ids if they are known, otherwise the rows of its ids of experts. */
export interface Sequence {
  /** Number of tokens up to the last one with routing. */
  length: number;
  /** Numbers that identify a token. */
  at(token: number): ArrayLike<number>;
  /** Tokens at the start that belong to the prompt, if known. */
  prompt?: number;
  /** The response that it is a choice of. */
  response: object;
  /** Sequences of different kinds are never compared. */
  kind: 'tokens' | 'experts';
}

export interface Repeated {
  /** Tokens at the start that were counted before. */
  tokens: number;
  /** Number of the earlier request, in order; undefined when only a prompt is shared. */
  request?: number;
}

/** A shorter sequence of experts may be alike by chance. */
const MIN_SLOTS = 16;

export class EarlierRequests {
  private readonly _ends = new Map<string, number>();
  private readonly _lengths = new Set<number>();
  private _response?: object;
  private _prompts = new Set<string>();
  private _count = 0;

  /** Number of the last request, from 0. */
  get last(): number {
    return this._count - 1;
  }

  /** Looks a request up, and remembers it. */
  async add(sequence: Sequence): Promise<Repeated> {
    const { length, prompt, response, kind } = sequence;
    if (response !== this._response) {
      this._response = response;
      this._prompts = new Set();
    }
    const pause = pauses();
    const number = this._count++;
    const found: Repeated = { tokens: 0 };
    let a = 0x811c9dc5;
    let b = 0x9e3779b9;
    let slots = 0;
    for (let token = 0; token < length; token++) {
      const numbers = sequence.at(token);
      const mix = (number: number): void => {
        a = Math.imul(a ^ number, 0x01000193);
        b = Math.imul(b + number + 1, 0x85ebca6b);
        b ^= b >>> 13;
      };
      for (let i = 0; i < numbers.length; i++) {
        mix(numbers[i]);
        // Both hashes see 32 bits: ids that differ above them are others.
        if (numbers[i] !== (numbers[i] | 0)) {
          mix(Math.floor(numbers[i] / 2 ** 32));
        }
      }
      slots += numbers.length;
      const end = token + 1;
      const key = `${kind}/${end}/${a >>> 0}/${b >>> 0}`;
      if (end === prompt && end < length) {
        if (this._prompts.has(key)) {
          found.tokens = end;
          found.request = undefined;
        }
        this._prompts.add(key);
      }
      if (end < length && this._lengths.has(end)) {
        const earlier = this._ends.get(key);
        if (earlier !== undefined) {
          found.tokens = end;
          found.request = earlier;
        }
      }
      if (end === length && (kind === 'tokens' || slots >= MIN_SLOTS)) {
        this._lengths.add(end);
        this._ends.set(key, number);
      }
      const rest = pause();
      if (rest) {
        await rest;
      }
    }
    return found;
  }
}
