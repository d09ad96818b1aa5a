/** Arrays in files, read in pieces: a dump may be larger than memory. */
import { readSync } from 'node:fs';
import { refuse } from './importer';

/** What an array's bytes are read from: a file's descriptor, or bytes in memory. */
export type ByteSource = number | Buffer;

/** Fills `target` from `position` on. @returns the number of bytes that were there */
export function readBytes(
  source: ByteSource,
  target: Buffer,
  position: number
): number {
  if (typeof source !== 'number') {
    return source.copy(target, 0, position);
  }
  let done = 0;
  while (done < target.length) {
    const got = readSync(
      source,
      target,
      done,
      target.length - done,
      position + done
    );
    if (got === 0) {
      break;
    }
    done += got;
  }
  return done;
}

export type Kind = 'int' | 'float';

interface ElementType {
  kind: Kind;
  bytes: number;
  read(view: DataView, at: number, little: boolean): number;
}

/** Element types by a format-independent name. */
export const ELEMENTS = {
  bool: { kind: 'int', bytes: 1, read: (view, at) => view.getUint8(at) },
  u1: { kind: 'int', bytes: 1, read: (view, at) => view.getUint8(at) },
  i1: { kind: 'int', bytes: 1, read: (view, at) => view.getInt8(at) },
  u2: { kind: 'int', bytes: 2, read: (view, at, e) => view.getUint16(at, e) },
  i2: { kind: 'int', bytes: 2, read: (view, at, e) => view.getInt16(at, e) },
  u4: { kind: 'int', bytes: 4, read: (view, at, e) => view.getUint32(at, e) },
  i4: { kind: 'int', bytes: 4, read: (view, at, e) => view.getInt32(at, e) },
  u8: {
    kind: 'int',
    bytes: 8,
    read: (view, at, e) => Number(view.getBigUint64(at, e))
  },
  i8: {
    kind: 'int',
    bytes: 8,
    read: (view, at, e) => Number(view.getBigInt64(at, e))
  },
  f2: {
    kind: 'float',
    bytes: 2,
    read: (view, at, e) => half(view.getUint16(at, e))
  },
  bf16: {
    kind: 'float',
    bytes: 2,
    read: (view, at, e) => brain(view.getUint16(at, e))
  },
  f4: {
    kind: 'float',
    bytes: 4,
    read: (view, at, e) => view.getFloat32(at, e)
  },
  f8: {
    kind: 'float',
    bytes: 8,
    read: (view, at, e) => view.getFloat64(at, e)
  }
} as const satisfies Record<string, ElementType>;

export type ElementName = keyof typeof ELEMENTS;

export interface ArrayPlace {
  /** The user's file, for messages. */
  file: string;
  name: string;
  source: ByteSource;
  /** Offset of the first element, in bytes. */
  offset: number;
  /** Number of bytes from there on. */
  available: number;
  shape: number[];
  type: ElementName;
  little?: boolean;
  /** Column-major order, as NumPy stores a transposed array. */
  fortran?: boolean;
}

/** Limit for column-major arrays, which are transposed in memory. */
const MAX_REARRANGED = 1 << 27;

export class ArrayFile {
  readonly name: string;
  readonly shape: readonly number[];
  readonly kind: Kind;
  readonly size: number;
  private _rearranged?: Float64Array;

  /** @throws MoEDebuggerError 'input' when the file is shorter than the array */
  constructor(private readonly _place: ArrayPlace) {
    const { name, shape, type, available } = _place;
    this.name = name;
    this.shape = shape;
    this.kind = ELEMENTS[type].kind;
    this.size = shape.reduce((product, n) => product * n, 1);
    const bytes = this.size * ELEMENTS[type].bytes;
    if (!Number.isSafeInteger(bytes) || bytes > available) {
      this.refuse(
        `the array [${shape.join(', ')}] takes ${bytes} bytes, but there are only ${available}`,
        '',
        'the file is truncated: download it again'
      );
    }
  }

  /** Elements in a range, in row-major order. @throws MoEDebuggerError 'input' */
  read(from: number, to: number): Float64Array {
    if (this._place.fortran && this.shape.length > 1) {
      this._rearranged ??= this._rearrange();
      return this._rearranged.subarray(from, to);
    }
    return this._stored(from, to);
  }

  /** @param index of the element, in Python notation */
  refuse(what: string, index: string, hint: string): never {
    const { file, name } = this._place;
    return refuse(what, file, name ? `array ${name}${index}` : index, hint);
  }

  private _stored(from: number, to: number): Float64Array {
    const { source, offset, type, little = true } = this._place;
    const { bytes, read } = ELEMENTS[type];
    const buffer = Buffer.allocUnsafe((to - from) * bytes);
    if (readBytes(source, buffer, offset + from * bytes) < buffer.length) {
      this.refuse('the file became shorter', '', 'import it again');
    }
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    const values = new Float64Array(to - from);
    for (let i = 0; i < values.length; i++) {
      values[i] = read(view, i * bytes, little);
    }
    return values;
  }

  private _rearrange(): Float64Array {
    const { shape, size } = this;
    if (size > MAX_REARRANGED) {
      this.refuse(
        'the column-major array is too large to transpose',
        '',
        'save numpy.ascontiguousarray(array)'
      );
    }
    const stored = this._stored(0, size);
    const result = new Float64Array(size);
    const index = shape.map(() => 0);
    for (let to = 0; to < size; to++) {
      let from = 0;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        from = from * shape[axis] + index[axis];
      }
      result[to] = stored[from];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        if (++index[axis] < shape[axis]) {
          break;
        }
        index[axis] = 0;
      }
    }
    return result;
  }
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  if (exponent === 0x1f) {
    return fraction ? NaN : sign * Infinity;
  }
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const WORD = new Uint32Array(1);
const AS_FLOAT = new Float32Array(WORD.buffer);

/** bfloat16: the upper half of a float32. */
function brain(bits: number): number {
  WORD[0] = bits * 0x10000;
  return AS_FLOAT[0];
}
