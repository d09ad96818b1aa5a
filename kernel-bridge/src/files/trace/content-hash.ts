/**
 * SHA-256 of a trace's rows as they are decoded, so that a changed bit of the file is noticed whatever compressed it.
 * docs/traces.md defines the canonical form; other programs may write and check it.
 */
import { createHash, type Hash } from 'node:crypto';
import type { TraceRow } from './trace-rows';

/** Rows of one row group, and the SHA-256 of their canonical form as hexadecimal digits. */
export interface HashedRows {
  rows: number;
  sha256: string;
}

/** The part of a file's metadata that tells damage. */
export interface ContentHash {
  /** In the order of the file. */
  rowGroups: HashedRows[];
  /** Of the metadata's JSON without the key `content`. */
  metadata?: string;
}

/** DuckDB's default, which it keeps when it is given whole chunks. */
export const ROWS_PER_GROUP = 122_880;

/** From a file or from memory. */
export type CanonicalRow = TraceRow<Numbers>;

interface Numbers {
  readonly length: number;
  at(index: number): number | null | undefined;
}

/** Words of the buffer that is hashed at once. */
const BUFFERED = 1 << 14;
const NAN = 0x7fc00000;
/** What no writer stores, so that it never equals what one stored. */
const NULL_FLOAT = 0x7fc00001;
const NULL_INTEGER = -0x80000000;

/** Hashes rows one after the other. */
export class RowHash {
  private _hash: Hash = createHash('sha256');
  private _words = new Int32Array(BUFFERED);
  private _floats = new Float32Array(this._words.buffer);
  private _bytes = Buffer.from(this._words.buffer);
  private _at = 0;
  private readonly _texts = new Map<string, LastText>();

  add(row: CanonicalRow): void {
    this._text('run', row.run);
    this._text('sample', row.sample);
    this._text('domain', row.domain);
    this._integer(row.position);
    this._integer(row.tokenId);
    this._text('text', row.text);
    this._text('stack', row.stack);
    this._integer(row.layer);
    this._text('module', row.module);
    this._integers(row.experts);
    this._list(row.weights);
    this._list(row.logits);
  }

  /** The hash of the rows since the last call. */
  take(): string {
    this._flush();
    const digest = this._hash.digest('hex');
    this._hash = createHash('sha256');
    return digest;
  }

  private _integer(value: number | null): void {
    this._reserve(2);
    if (value === null) {
      this._words[this._at++] = 0;
    } else {
      this._words[this._at++] = 1;
      this._words[this._at++] = value;
    }
  }

  private _text(column: string, text: string | null): void {
    if (text === null) {
      this._reserve(1);
      this._words[this._at++] = 0;
      return;
    }
    let last = this._texts.get(column);
    if (last?.text !== text) {
      last = { text, utf8: Buffer.from(text) };
      this._texts.set(column, last);
    }
    const { utf8 } = last;
    const words = Math.ceil(utf8.length / 4);
    this._reserve(1 + words);
    this._words[this._at++] = utf8.length + 1;
    // The last word is padded with zeros.
    if (words > 0) {
      this._words[this._at + words - 1] = 0;
    }
    utf8.copy(this._bytes, 4 * this._at);
    this._at += words;
  }

  private _integers(list: Numbers | null): void {
    const length = this._length(list);
    if (list instanceof Int32Array) {
      this._words.set(list, this._at);
      this._at += length;
      return;
    }
    for (let i = 0; i < length; i++) {
      this._words[this._at++] = list!.at(i) ?? NULL_INTEGER;
    }
  }

  private _list(list: Numbers | null): void {
    const length = this._length(list);
    for (let i = 0; i < length; i++) {
      const value = list!.at(i) ?? null;
      if (value === null) {
        this._words[this._at++] = NULL_FLOAT;
      } else if (value !== value) {
        this._words[this._at++] = NAN;
      } else {
        this._floats[this._at++] = value;
      }
    }
  }

  /** Writes a list's length, and makes room for its elements. */
  private _length(list: Numbers | null): number {
    this._reserve(1 + (list?.length ?? 0));
    this._words[this._at++] = list === null ? 0 : list.length + 1;
    return list?.length ?? 0;
  }

  private _reserve(words: number): void {
    if (this._at + words <= this._words.length) {
      return;
    }
    this._flush();
    if (words > this._words.length) {
      this._words = new Int32Array(words);
      this._floats = new Float32Array(this._words.buffer);
      this._bytes = Buffer.from(this._words.buffer);
    }
  }

  private _flush(): void {
    this._hash.update(this._bytes.subarray(0, 4 * this._at));
    this._at = 0;
  }
}

interface LastText {
  text: string;
  utf8: Buffer;
}

/** Hashes rows while they are written, a row group at a time. */
export class ContentHasher {
  private readonly _hash = new RowHash();
  private readonly _groups: HashedRows[] = [];
  private _rows = 0;

  add(row: CanonicalRow): void {
    this._hash.add(row);
    if (++this._rows === ROWS_PER_GROUP) {
      this._end();
    }
  }

  /** @param metadata the JSON that is stored with the hash */
  finish(metadata: string): ContentHash {
    if (this._rows > 0) {
      this._end();
    }
    return {
      rowGroups: this._groups,
      metadata: createHash('sha256').update(metadata).digest('hex')
    };
  }

  private _end(): void {
    this._groups.push({ rows: this._rows, sha256: this._hash.take() });
    this._rows = 0;
  }
}

/** Compares rows with their hashes while they are read. */
export class ContentCheck {
  private readonly _hash = new RowHash();
  private _group = 0;
  private _rows = 0;

  constructor(private readonly _groups: readonly HashedRows[]) {}

  /** @returns false when the rows up to this one are others than were written */
  add(row: CanonicalRow): boolean {
    const group = this._groups[this._group];
    if (!group) {
      return false;
    }
    this._hash.add(row);
    if (++this._rows < group.rows) {
      return true;
    }
    this._rows = 0;
    this._group++;
    return this._hash.take() === group.sha256;
  }

  /** Whether all rows were read. */
  get isComplete(): boolean {
    return this._group === this._groups.length && this._rows === 0;
  }
}
