/** Ways in which the bytes of a file come damaged, whatever they hold. */

export type Random = () => number;
export type ByteMutation = (bytes: Buffer, random: Random) => Uint8Array;

export const below = (random: Random, n: number): number =>
  Math.floor(random() * n);
export const pick = <T>(random: Random, list: readonly T[]): T =>
  list[below(random, list.length)];

export const onBytes: Record<string, ByteMutation> = {
  truncate: (bytes, random) => bytes.subarray(0, below(random, bytes.length)),
  'flip bits': (bytes, random) => {
    for (let i = 1 + below(random, 8); i > 0; i--) {
      bytes[below(random, bytes.length)] ^= 1 << below(random, 8);
    }
    return bytes;
  },
  'overwrite with 0xff': (bytes, random) => {
    const at = below(random, bytes.length);
    return bytes.fill(
      0xff,
      at,
      Math.min(bytes.length, at + 1 + below(random, 12))
    );
  },
  'overwrite with zeros': (bytes, random) => {
    const at = below(random, bytes.length);
    return bytes.fill(
      0,
      at,
      Math.min(bytes.length, at + 1 + below(random, 64))
    );
  },
  'remove bytes': (bytes, random) => {
    const at = below(random, bytes.length);
    return Buffer.concat([
      bytes.subarray(0, at),
      bytes.subarray(at + 1 + below(random, 40))
    ]);
  },
  'repeat bytes': (bytes, random) => {
    const at = below(random, bytes.length);
    const end = Math.min(bytes.length, at + 1 + below(random, 400));
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
  },
  'insert noise': (bytes, random) => {
    const at = below(random, bytes.length);
    const noise = Buffer.from(
      Array.from({ length: 1 + below(random, 16) }, () => below(random, 256))
    );
    return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
  },
  'huge varint': (bytes, random) => {
    const at = below(random, bytes.length);
    const varint = pick(random, [
      [0xff, 0xff, 0xff, 0xff, 0x0f],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]
    ]);
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from(varint),
      bytes.subarray(at + 1)
    ]);
  },
  // Damage near the start hits lengths of the outer messages, which chance would rarely find.
  'change the header': (bytes, random) => {
    bytes[below(random, Math.min(64, bytes.length))] = below(random, 256);
    return bytes;
  }
};
