/**
 * Checks that the footer of a Parquet file is well-formed, before DuckDB reads it: a damaged number of list elements makes
 * it allocate gigabytes for minutes, and that cannot be interrupted. The footer is one struct of Thrift's compact protocol
 * (github.com/apache/thrift, doc/specs/thrift-compact-protocol.md), whose elements take a byte at least.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { readBytes } from '../import/array-file';

const MAGIC = 'PAR1';
/** Length of the footer and magic. */
const TAIL = 8;
/** Parquet's own structs nest half as deep. */
const MAX_DEPTH = 16;

enum Type {
  stop,
  true,
  false,
  byte,
  i16,
  i32,
  i64,
  double,
  binary,
  list,
  set,
  map,
  struct
}

/** @throws Error that says what is wrong */
export function checkFooter(path: string): void {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const read = (length: number, position: number): Buffer => {
      const bytes = Buffer.alloc(length);
      readBytes(file, bytes, position);
      return bytes;
    };
    const tail = read(TAIL, Math.max(0, size - TAIL));
    if (
      size < MAGIC.length + TAIL ||
      tail.toString('latin1', 4) !== MAGIC ||
      read(MAGIC.length, 0).toString('latin1') !== MAGIC
    ) {
      throw new Error('it is not a Parquet file, or it is cut off');
    }
    const length = tail.readUInt32LE(0);
    if (length > size - MAGIC.length - TAIL) {
      throw new Error('its footer is longer than the file');
    }
    new Footer(read(length, size - TAIL - length)).check();
  } finally {
    closeSync(file);
  }
}

class Footer {
  private _at = 0;

  constructor(private readonly _bytes: Buffer) {}

  check(): void {
    this._struct(0);
    if (this._at !== this._bytes.length) {
      this._fail();
    }
  }

  private _struct(depth: number): void {
    for (;;) {
      const header = this._byte();
      const type: Type = header & 0x0f;
      if (header === Type.stop) {
        return;
      }
      // Without a difference to the field before, the number of the field follows.
      if (header >> 4 === 0) {
        this._varint();
      }
      // The type of a field tells the value of a boolean; in a list each is a byte.
      if (type !== Type.true && type !== Type.false) {
        this._value(type, depth + 1);
      }
    }
  }

  private _value(type: Type, depth: number): void {
    if (depth > MAX_DEPTH) {
      this._fail();
    }
    switch (type) {
      case Type.true:
      case Type.false:
      case Type.byte:
        this._skip(1);
        return;
      case Type.i16:
      case Type.i32:
      case Type.i64:
        this._varint();
        return;
      case Type.double:
        this._skip(8);
        return;
      case Type.binary:
        this._skip(this._varint());
        return;
      case Type.list:
      case Type.set:
        this._list(depth);
        return;
      case Type.struct:
        this._struct(depth);
        return;
      default:
        this._fail();
    }
  }

  private _list(depth: number): void {
    const header = this._byte();
    const type: Type = header & 0x0f;
    const short = header >> 4;
    const count = short === 0x0f ? this._varint() : short;
    if (count > this._bytes.length - this._at) {
      this._fail();
    }
    for (let i = 0; i < count; i++) {
      this._value(type, depth + 1);
    }
  }

  private _byte(): number {
    this._skip(1);
    return this._bytes[this._at - 1];
  }

  /** Its value as far as a number holds it; larger ones are no lengths. */
  private _varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this._byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        return value;
      }
    }
    return this._fail();
  }

  private _skip(bytes: number): void {
    this._at += bytes;
    if (this._at > this._bytes.length) {
      this._fail();
    }
  }

  private _fail(): never {
    throw new Error(`its footer is damaged at byte ${this._at}`);
  }
}
