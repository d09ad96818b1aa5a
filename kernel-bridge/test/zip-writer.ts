/** ZIP archives as PKWARE's APPNOTE defines them, sound or with one thing wrong. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface WrittenEntry {
  name: string;
  data: Buffer;
  /** Deflated unless it is said to be stored. */
  stored?: boolean;
  /** Sizes and checksum follow the data, and the header before it has none. */
  descriptor?: boolean;
  /** Sizes and offset in the ZIP64 field of the directory. */
  wide?: boolean;
  /** What the directory says instead of the truth. */
  says?: Partial<{
    size: number;
    packed: number;
    crc: number;
    method: number;
    flags: number;
    offset: bigint;
  }>;
}

const DESCRIPTOR = 1 << 3;
const UTF8 = 1 << 11;
const SEE_WIDE = 0xffffffff;

/** @param end of the directory: with a ZIP64 record, and where that says the directory begins */
export function writeZip(
  entries: readonly WrittenEntry[],
  end: { wide?: boolean; offset?: bigint } = {}
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  const push = (...own: Buffer[]): void => {
    parts.push(...own);
    at += own.reduce((sum, { length }) => sum + length, 0);
  };
  for (const { name, data, stored, descriptor, wide, says = {} } of entries) {
    const text = Buffer.from(name);
    const packed = stored ? data : deflateRawSync(data);
    const facts = {
      size: data.length,
      packed: packed.length,
      crc: crc32(data),
      method: stored ? 0 : 8,
      flags: UTF8 | (descriptor ? DESCRIPTOR : 0),
      offset: BigInt(at),
      ...says
    };
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(facts.flags, 6);
    local.writeUInt16LE(facts.method, 8);
    if (!descriptor) {
      local.writeUInt32LE(facts.crc, 14);
      local.writeUInt32LE(packed.length, 18);
      local.writeUInt32LE(data.length, 22);
    }
    local.writeUInt16LE(text.length, 26);
    push(local, text, packed);
    if (descriptor) {
      const after = Buffer.alloc(16);
      after.writeUInt32LE(0x08074b50, 0);
      after.writeUInt32LE(facts.crc, 4);
      after.writeUInt32LE(packed.length, 8);
      after.writeUInt32LE(data.length, 12);
      push(after);
    }
    const extra = Buffer.alloc(wide ? 28 : 0);
    if (wide) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      extra.writeBigUInt64LE(BigInt(facts.size), 4);
      extra.writeBigUInt64LE(BigInt(facts.packed), 12);
      extra.writeBigUInt64LE(facts.offset, 20);
    }
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(45, 4);
    central.writeUInt16LE(wide ? 45 : 20, 6);
    central.writeUInt16LE(facts.flags, 8);
    central.writeUInt16LE(facts.method, 10);
    central.writeUInt32LE(facts.crc, 16);
    central.writeUInt32LE(wide ? SEE_WIDE : facts.packed, 20);
    central.writeUInt32LE(wide ? SEE_WIDE : facts.size, 24);
    central.writeUInt16LE(text.length, 28);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE(wide ? SEE_WIDE : Number(facts.offset), 42);
    directory.push(central, text, extra);
  }
  const start = at;
  push(...directory);
  const length = at - start;
  if (end.wide) {
    const record = Buffer.alloc(56);
    record.writeUInt32LE(0x06064b50, 0);
    record.writeBigUInt64LE(44n, 4);
    record.writeUInt16LE(45, 12);
    record.writeUInt16LE(45, 14);
    record.writeBigUInt64LE(BigInt(entries.length), 24);
    record.writeBigUInt64LE(BigInt(entries.length), 32);
    record.writeBigUInt64LE(BigInt(length), 40);
    record.writeBigUInt64LE(end.offset ?? BigInt(start), 48);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(at), 8);
    locator.writeUInt32LE(1, 16);
    push(record, locator);
  }
  const last = Buffer.alloc(22);
  last.writeUInt32LE(0x06054b50, 0);
  last.writeUInt16LE(end.wide ? 0xffff : entries.length, 8);
  last.writeUInt16LE(end.wide ? 0xffff : entries.length, 10);
  last.writeUInt32LE(end.wide ? SEE_WIDE : length, 12);
  last.writeUInt32LE(
    end.wide ? SEE_WIDE : Number(end.offset ?? BigInt(start)),
    16
  );
  push(last);
  return Buffer.concat(parts);
}
