/** History of this session's cells, for consoles. */
import type { JsonObject } from '../../base/kernel-api';

const LIMIT = 1000;

/** `[session, line, input]`; there is one session, numbered 0. */
type Entry = [number, number, string];

export class History {
  private _entries: Entry[] = [];

  add(line: number, input: string): void {
    this._entries.push([0, line, input]);
    if (this._entries.length > LIMIT) {
      this._entries.shift();
    }
  }

  /** Replies to `history_request`; `output` is not stored, since no client requests it. */
  query(request: JsonObject): Entry[] {
    switch (request.hist_access_type) {
      case 'range':
        return this._range(request);
      case 'search':
        return this._search(request);
      default:
        return this._tail(this._entries, request.n);
    }
  }

  private _range({ start, stop }: JsonObject): Entry[] {
    const first = typeof start === 'number' ? start : 0;
    const end = typeof stop === 'number' ? stop : Infinity;
    return this._entries.filter(([, line]) => line >= first && line < end);
  }

  private _search({ pattern, n, unique }: JsonObject): Entry[] {
    const found = this._entries.filter(([, , input]) =>
      matchesGlob(String(pattern ?? '*'), input)
    );
    if (unique !== true) {
      return this._tail(found, n);
    }
    const last = new Map(found.map(entry => [entry[2], entry]));
    return this._tail([...last.values()], n);
  }

  private _tail(entries: Entry[], n: unknown): Entry[] {
    return typeof n === 'number' && n > 0 ? entries.slice(-n) : entries;
  }
}

/** Matches `*` and `?` without a regular expression, so that an untrusted pattern cannot take exponential time. */
function matchesGlob(pattern: string, text: string): boolean {
  let p = 0;
  let star = -1;
  let mark = 0;
  let t = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      mark = t;
    } else if (
      p < pattern.length &&
      (pattern[p] === '?' || pattern[p] === text[t])
    ) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  return [...pattern.slice(p)].every(character => character === '*');
}
