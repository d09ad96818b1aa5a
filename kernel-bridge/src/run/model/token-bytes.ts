/** The bytes of tokens that are parts of a character, and how they are shown. */

/** `<0xE4>`: a byte token of SentencePiece, and how any byte is shown that is no character. */
const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/i;

/**
 * Byte-level vocabularies (GPT-2) spell each byte as one printable character: itself, if it is printable in Latin-1, else the next
 * character from U+0100 on.
 */
const BYTE_OF: ReadonlyMap<string, number> = new Map(byteAlphabet());

function byteAlphabet(): [string, number][] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) ||
    (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);
  let next = 0x100;
  return Array.from({ length: 0x100 }, (_, byte) => [
    String.fromCharCode(isPrintable(byte) ? byte : next++),
    byte
  ]);
}

/** The bytes that a vocabulary's entry stands for; undefined if it is not spelled in bytes. */
export function bytesOfToken(entry: string): number[] | undefined {
  const single = BYTE_TOKEN.exec(entry);
  if (single) {
    return [parseInt(single[1], 16)];
  }
  const bytes = [...entry].map(character => BYTE_OF.get(character));
  return bytes.every(byte => byte !== undefined) ? bytes : undefined;
}

/** Bytes that no UTF-8 text has (RFC 3629). */
export function isNeverInUtf8(byte: number): boolean {
  return byte === 0xc0 || byte === 0xc1 || byte >= 0xf5;
}

/** Bytes as text: characters where they are UTF-8, `<0xE4>` where they are not. */
export function textOfBytes(bytes: readonly number[]): string {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes[at]);
    try {
      text += utf8.decode(Uint8Array.from(bytes.slice(at, at + length)));
      at += length;
    } catch {
      const digits = bytes[at].toString(16).toUpperCase().padStart(2, '0');
      text += `<0x${digits}>`;
      at++;
    }
  }
  return text;
}

/** Number of bytes of a character by its first one. */
function sequenceLength(first: number): number {
  return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}
