/** Reads NumPy's .npy as numpy/lib/format.py defines it: magic, version, length, a Python dictionary, the elements. */
import {
  ArrayFile,
  readBytes,
  type ByteSource,
  type ElementName
} from './array-file';
import { refuse } from './importer';

export const NPY_MAGIC = '\x93NUMPY';
const MAX_HEADER = 1 << 16;
const MAX_AXES = 8;
const HINT = 'save it with numpy.save or numpy.savez';

const DESCR = /'descr':\s*'([<>|=]?)([a-z])(\d+)'/;
const FORTRAN = /'fortran_order':\s*(True|False)/;
const SHAPE = /'shape':\s*\(([\d\s,]*)\)/;
const TYPES: Record<string, ElementName> = {
  b1: 'bool',
  u1: 'u1',
  i1: 'i1',
  u2: 'u2',
  i2: 'i2',
  u4: 'u4',
  i4: 'i4',
  u8: 'u8',
  i8: 'i8',
  f2: 'f2',
  f4: 'f4',
  f8: 'f8'
};

/** Text, bytes, dates, objects and records of NumPy: arrays, but not of numbers. */
const NOT_NUMBERS = /'descr':\s*(\[|'[<>|=]?[USaOMmVc]\d*)/;

/**
 * @param range of the array's bytes in `source`
 * @returns undefined for an array whose elements are not numbers
 * @throws MoEDebuggerError 'input' for what is not an array, or truncated
 */
export function openNpy(
  file: string,
  name: string,
  source: ByteSource,
  range: { offset: number; length: number }
): ArrayFile | undefined {
  const at = name ? `array ${name}` : '';
  const bytes = (from: number, count: number): Buffer => {
    const buffer = Buffer.alloc(count);
    const wanted = Math.min(count, range.length - from);
    if (
      wanted < count ||
      readBytes(source, buffer, range.offset + from) < count
    ) {
      refuse('the array is truncated within its header', file, at, HINT);
    }
    return buffer;
  };
  const start = bytes(0, 10);
  if (start.toString('latin1', 0, 6) !== NPY_MAGIC) {
    refuse('this is not a NumPy array', file, at, HINT);
  }
  const short = start[6] === 1;
  const from = short ? 10 : 12;
  const length = short ? start.readUInt16LE(8) : bytes(8, 4).readUInt32LE(0);
  if (length > MAX_HEADER) {
    refuse(`the header takes ${length} bytes`, file, at, HINT);
  }
  const header = bytes(from, length).toString('latin1');
  if (NOT_NUMBERS.test(header)) {
    return undefined;
  }
  const [, order, kind, width] = DESCR.exec(header) ?? [];
  const fortran = FORTRAN.exec(header)?.[1];
  const shape = SHAPE.exec(header)?.[1]
    .split(',')
    .filter(part => part.trim() !== '')
    .map(Number);
  const type = TYPES[`${kind}${width}`];
  if (!type || fortran === undefined || !shape || shape.length > MAX_AXES) {
    refuse(
      `the array has an unsupported type: ${header.trim().slice(0, 80)}`,
      file,
      at,
      HINT
    );
  }
  return new ArrayFile({
    file,
    name,
    source,
    offset: range.offset + from + length,
    available: range.length - from - length,
    shape,
    type,
    little: order !== '>',
    fortran: fortran === 'True'
  });
}
