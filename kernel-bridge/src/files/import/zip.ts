/** Entries of a ZIP archive, as PKWARE's APPNOTE defines it: what numpy.savez writes, ZIP64 too. */
import {
  createReadStream,
  createWriteStream,
  fstatSync,
  readSync
} from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { MoEDebuggerError } from '../../base/errors';
import { refuse } from './importer';

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const COMMENT = 0xffff;
const MOST_DIRECTORY = 16 << 20;
/** Compressed ids shrink a lot, but not this much: above is a bomb. */
const MOST_RATIO = 1100;
const HINT = 'save it with numpy.savez again';

export interface ZipEntry {
  name: string;
  deflated: boolean;
  crc: number;
  packed: number;
  size: number;
  /** Of the bytes, in the archive. */
  offset: number;
}

/** @throws MoEDebuggerError 'input' when it is no archive, or damaged */
export function readEntries(file: string, descriptor: number): ZipEntry[] {
  const total = fstatSync(descriptor).size;
  const bytes = (offset: number, count: number): Buffer => {
    const buffer = Buffer.alloc(count);
    if (
      offset < 0 ||
      !Number.isSafeInteger(offset) ||
      offset + count > total ||
      readSync(descriptor, buffer, 0, count, offset) < count
    ) {
      refuse('the archive is damaged or cut off', file, '', HINT);
    }
    return buffer;
  };
  const { count, length, offset } = findDirectory(bytes, total, file);
  if (length > MOST_DIRECTORY) {
    refuse(`its directory takes ${length} bytes`, file, '', HINT);
  }
  const directory = bytes(offset, length);
  const entries: ZipEntry[] = [];
  for (let at = 0, n = 0; n < count; n++) {
    if (at + 46 > length || directory.readUInt32LE(at) !== CENTRAL) {
      refuse('the archive is damaged or cut off', file, `entry ${n}`, HINT);
    }
    const nameLength = directory.readUInt16LE(at + 28);
    const extraLength = directory.readUInt16LE(at + 30);
    const next =
      at + 46 + nameLength + extraLength + directory.readUInt16LE(at + 32);
    if (next > length) {
      refuse('the archive is damaged or cut off', file, `entry ${n}`, HINT);
    }
    const name = directory.toString('utf8', at + 46, at + 46 + nameLength);
    const extra = directory.subarray(
      at + 46 + nameLength,
      at + 46 + nameLength + extraLength
    );
    const [size, packed, local] = wide(extra, [
      directory.readUInt32LE(at + 24),
      directory.readUInt32LE(at + 20),
      directory.readUInt32LE(at + 42)
    ]);
    const method = directory.readUInt16LE(at + 10);
    const encrypted = (directory.readUInt16LE(at + 8) & 1) !== 0;
    const head = bytes(local, 30);
    if (
      head.readUInt32LE(0) !== LOCAL ||
      encrypted ||
      (method !== 0 && method !== 8)
    ) {
      refuse(
        'the entry cannot be read',
        file,
        `array ${name.slice(0, 60)}`,
        HINT
      );
    }
    const start = local + 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
    if (
      start + packed > total ||
      size > MOST_RATIO * packed + 1024 ||
      (method === 0 && size !== packed)
    ) {
      refuse(
        'the entry is damaged or cut off',
        file,
        `array ${name.slice(0, 60)}`,
        HINT
      );
    }
    entries.push({
      name,
      deflated: method === 8,
      crc: directory.readUInt32LE(at + 16),
      packed,
      size,
      offset: start
    });
    at = next;
  }
  return entries;
}

function findDirectory(
  bytes: (offset: number, count: number) => Buffer,
  total: number,
  file: string
): { count: number; length: number; offset: number } {
  const tail = Math.min(total, END_BYTES + COMMENT);
  const last = bytes(total - tail, tail);
  let at = last.length - END_BYTES;
  while (at >= 0 && last.readUInt32LE(at) !== END) {
    at--;
  }
  if (at < 0) {
    refuse('the archive has no directory: it is cut off', file, '', HINT);
  }
  const end = total - tail + at;
  if (end >= 20) {
    const locator = bytes(end - 20, 20);
    if (locator.readUInt32LE(0) === LOCATOR_64) {
      const wideEnd = bytes(Number(locator.readBigUInt64LE(8)), 56);
      if (wideEnd.readUInt32LE(0) === END_64) {
        return {
          count: Number(wideEnd.readBigUInt64LE(32)),
          length: Number(wideEnd.readBigUInt64LE(40)),
          offset: Number(wideEnd.readBigUInt64LE(48))
        };
      }
    }
  }
  return {
    count: last.readUInt16LE(at + 10),
    length: last.readUInt32LE(at + 12),
    offset: last.readUInt32LE(at + 16)
  };
}

/** Values of 32 bits that say "see the ZIP64 field" are taken from it, in its order. */
function wide(extra: Buffer, values: number[]): number[] {
  for (let at = 0; at + 4 <= extra.length;) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1) {
      let from = at + 4;
      return values.map(value => {
        if (value !== 0xffffffff || from + 8 > extra.length) {
          return value;
        }
        from += 8;
        return Number(extra.readBigUInt64LE(from - 8));
      });
    }
    at += 4 + length;
  }
  return values;
}

/**
 * Unpacks an entry into `folder`, or only checks one that is stored as it is.
 * @returns the file that holds its bytes, and from where
 * @throws MoEDebuggerError 'input' when its checksum is another
 */
export async function unpack(
  archive: string,
  entry: ZipEntry,
  folder: string
): Promise<{ path: string; offset: number }> {
  let crc = 0;
  let size = 0;
  const fail = (): never =>
    refuse(
      'the entry is damaged: its checksum is another',
      archive,
      `array ${entry.name.slice(0, 60)}`,
      HINT
    );
  const check = new Transform({
    transform(chunk: Buffer, _, done) {
      crc = crc32(chunk, crc);
      size += chunk.length;
      if (size > entry.size) {
        done(new Error('larger than its directory says'));
      } else if (entry.deflated) {
        done(null, chunk);
      } else {
        done();
      }
    }
  });
  // Without an entry's bytes there is nothing to read; a stream's end is the last byte, not the one after.
  if (entry.packed > 0) {
    const packed = createReadStream(archive, {
      start: entry.offset,
      end: entry.offset + entry.packed - 1
    });
    const path = join(folder, 'unpacked');
    try {
      if (entry.deflated) {
        await pipeline(
          packed,
          createInflateRaw(),
          check,
          createWriteStream(path)
        );
      } else {
        await pipeline(packed, check.resume());
      }
    } catch (error) {
      throw new MoEDebuggerError(
        'input',
        `the entry cannot be unpacked: ${(error as Error).message}`,
        {
          where: `${archive}, array ${entry.name.slice(0, 60)}`,
          hint: HINT,
          cause: error
        }
      );
    }
  }
  if (crc !== entry.crc || size !== entry.size) {
    fail();
  }
  return entry.deflated
    ? { path: join(folder, 'unpacked'), offset: 0 }
    : { path: archive, offset: entry.offset };
}
