/** Reads lines of a text file, gzipped or not, one at a time. Byte order marks are understood and dropped. */
import {
  closeSync,
  createReadStream,
  openSync,
  readFileSync,
  readSync,
  statSync
} from 'node:fs';
import { Transform, type Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import { createGunzip, gunzipSync } from 'node:zlib';
import { MoEDebuggerError } from '../base/errors';

/** A sequence of a million tokens is shorter; a file without line ends must not fill the memory. */
const MAX_LINE = 128 << 20;
/** Small files are read at once, which is faster than streaming them. */
const SMALL_FILE = 1 << 20;
const SMALL_TEXT = 8 << 20;
/** Of a pipe, which is read as a whole. */
const LARGE_TEXT = 1 << 30;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

export class LineReader {
  /** Number of the last line, from 1. */
  number = 0;
  private readonly _chunks?: AsyncIterator<Buffer>;
  private readonly _file?: Readable;
  private readonly _stream?: Readable;
  private _rest: Buffer = Buffer.alloc(0);
  private _from = 0;
  private _ended = false;

  constructor(readonly path: string) {
    const whole = readWhole(path);
    if (whole) {
      this._rest = whole;
      this._ended = true;
      return;
    }
    const gzipped = isGzip(path);
    const utf8 = new ToUtf8();
    // Until the first line is asked for, nothing else listens, and an error would end the process.
    utf8.on('error', () => undefined);
    const file = createReadStream(path, { highWaterMark: 1 << 18 });
    this._file = file;
    if (gzipped) {
      const text = createGunzip({ chunkSize: 1 << 18 });
      file.on('error', error => text.destroy(error));
      text.on('error', error => utf8.destroy(error));
      file.pipe(text).pipe(utf8);
    } else {
      file.on('error', error => utf8.destroy(error));
      file.pipe(utf8);
    }
    this._stream = utf8;
    this._chunks = this._stream[Symbol.asyncIterator]();
  }

  /** The next line's bytes without its end; undefined at the end of the file. @throws MoEDebuggerError 'input' */
  async next(): Promise<Buffer | undefined> {
    let searched = this._from;
    for (;;) {
      const end = this._rest.indexOf(NEWLINE, searched);
      if (end >= 0) {
        return this._take(end, end + 1);
      }
      searched = this._rest.length - this._from;
      if (this._ended) {
        return this._from < this._rest.length
          ? this._take(this._rest.length, this._rest.length)
          : undefined;
      }
      if (searched > MAX_LINE) {
        throw new MoEDebuggerError(
          'input',
          `the line is longer than ${MAX_LINE >> 20} MB`,
          {
            where: `${this.path}, line ${this.number + 1}`,
            hint: 'check that the file has the right format'
          }
        );
      }
      await this._fill();
      this._from = 0;
    }
  }

  close(): void {
    this._file?.destroy();
    this._stream?.destroy();
  }

  private _take(end: number, next: number): Buffer {
    this.number++;
    const last = end > this._from && this._rest[end - 1] === RETURN;
    const line = this._rest.subarray(this._from, last ? end - 1 : end);
    this._from = next;
    return line;
  }

  private async _fill(): Promise<void> {
    try {
      const { value, done } = await this._chunks!.next();
      const rest = this._rest.subarray(this._from);
      this._ended = done === true;
      this._rest = done
        ? rest
        : rest.length === 0
          ? value
          : Buffer.concat([rest, value]);
    } catch (error) {
      throw unreadable(`${this.path}, line ${this.number + 1}`, error);
    }
  }
}

/** The text of a small file, or of a pipe; undefined for other files, and for errors that the stream will report. */
function readWhole(path: string): Buffer | undefined {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status || status.size > SMALL_FILE) {
    return undefined;
  }
  try {
    // A pipe has no size, and can be read only once.
    const bytes = readFileSync(path);
    const text = hasGzipMagic(bytes)
      ? gunzipSync(bytes, {
          maxOutputLength: status.isFile() ? SMALL_TEXT : LARGE_TEXT
        })
      : bytes;
    const encoding = encodingOf(text);
    return encoding === 'utf-8'
      ? text.subarray(lengthOfMark(text))
      : Buffer.from(new TextDecoder(encoding).decode(text));
  } catch (error) {
    if (status.isFile()) {
      return undefined;
    }
    throw unreadable(path, error);
  }
}

function unreadable(where: string, error: unknown): MoEDebuggerError {
  return new MoEDebuggerError(
    'input',
    `the file cannot be read: ${(error as Error).message}`,
    {
      where,
      hint: 'it may be truncated: download it again',
      cause: error
    }
  );
}

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** By the byte order mark; Windows PowerShell writes UTF-16 when it redirects a program's output. */
function encodingOf(start: Buffer): Encoding {
  return start[0] === 0xff && start[1] === 0xfe
    ? 'utf-16le'
    : start[0] === 0xfe && start[1] === 0xff
      ? 'utf-16be'
      : 'utf-8';
}

function lengthOfMark(start: Buffer): number {
  return start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf ? 3 : 0;
}

/** Drops a byte order mark, and converts UTF-16. */
class ToUtf8 extends Transform {
  private _decoder?: TextDecoder;
  private _begun = false;

  override _transform(
    chunk: Buffer,
    _: string,
    done: (error: Error | null, data?: Buffer) => void
  ): void {
    let bytes = chunk;
    if (!this._begun) {
      // Chunks are large, so the first one holds the whole mark.
      this._begun = true;
      const encoding = encodingOf(chunk);
      if (encoding !== 'utf-8') {
        this._decoder = new TextDecoder(encoding);
      }
      bytes = chunk.subarray(lengthOfMark(chunk));
    }
    done(
      null,
      this._decoder
        ? Buffer.from(this._decoder.decode(bytes, { stream: true }))
        : bytes
    );
  }
}

function hasGzipMagic(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

function isGzip(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new MoEDebuggerError(
      'input',
      `the file cannot be opened: ${(error as Error).message}`,
      { where: path, hint: 'give a file that can be read', cause: error }
    );
  }
  try {
    const magic = Buffer.alloc(2);
    return readSync(file, magic, 0, 2, 0) === 2 && hasGzipMagic(magic);
  } catch {
    // A folder can be opened but not read; the stream reports that.
    return false;
  } finally {
    closeSync(file);
  }
}
