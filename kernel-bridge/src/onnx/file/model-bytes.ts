/** Random-access reads of a file through a small buffer: the graph is read, its weights are skipped. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { MoEDebuggerError } from '../../base/errors';

const WINDOW = 1 << 18;

export class FileBytes {
  readonly size: number;
  private readonly _fd: number;
  private readonly _window = Buffer.allocUnsafe(WINDOW);
  private _start = 0;
  private _end = 0;

  constructor(readonly path: string) {
    this._fd = openSync(path, 'r');
    this.size = fstatSync(this._fd).size;
  }

  close(): void {
    closeSync(this._fd);
  }

  byte(offset: number): number {
    if (offset < this._start || offset >= this._end) {
      this._fill(offset);
    }
    return this._window[offset - this._start];
  }

  /** A copy of the bytes [start, end). */
  slice(start: number, end: number): Buffer {
    if (start >= this._start && end <= this._end) {
      return Buffer.from(
        this._window.subarray(start - this._start, end - this._start)
      );
    }
    this._check(end);
    const bytes = Buffer.allocUnsafe(end - start);
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(
        this._fd,
        bytes,
        filled,
        bytes.length - filled,
        start + filled
      );
      if (read === 0) {
        throw truncated(this.path, start + filled);
      }
      filled += read;
    }
    return bytes;
  }

  private _fill(offset: number): void {
    this._check(offset + 1);
    const read = readSync(this._fd, this._window, 0, WINDOW, offset);
    if (read === 0) {
      throw truncated(this.path, offset);
    }
    this._start = offset;
    this._end = offset + read;
  }

  private _check(end: number): void {
    if (end > this.size) {
      throw truncated(this.path, this.size);
    }
  }
}

export function truncated(path: string, offset: number): MoEDebuggerError {
  return new MoEDebuggerError(
    'model-invalid',
    `the ONNX file ends or breaks at byte ${offset}`,
    {
      where: path,
      hint: 'download or export it again'
    }
  );
}
