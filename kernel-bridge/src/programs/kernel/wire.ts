/** Jupyter's wire format: multipart frames, with a signature of the four JSON parts. */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { MoEDebuggerError } from '../../base/errors';
import type { JsonObject } from '../../base/kernel-api';

export interface Header {
  msg_id: string;
  msg_type: string;
  session: string;
  username: string;
  date: string;
  version: string;
}

export interface Message {
  /** ZeroMQ routing prefix, returned with a reply. */
  identities: Uint8Array[];
  header: Header;
  parentHeader: JsonObject;
  metadata: JsonObject;
  content: JsonObject;
  buffers: Uint8Array[];
}

/** Header, parent header, metadata and content, each as JSON text. */
export type SignedParts = [string, string, string, string];

export const PROTOCOL_VERSION = '5.4';
const DELIMITER = Buffer.from('<IDS|MSG>');
/** More routing frames than any client has; limits the search for the delimiter. */
const MAX_IDENTITIES = 16;

export class Wire {
  private readonly _key: string;
  private readonly _hash: string;

  /** @throws MoEDebuggerError when the signature scheme is not an HMAC */
  constructor(key: string, scheme: string = 'hmac-sha256') {
    if (!scheme.startsWith('hmac-')) {
      throw new MoEDebuggerError(
        'protocol',
        'the connection file has an unknown signature scheme',
        { where: scheme.slice(0, 40) }
      );
    }
    this._key = key;
    this._hash = scheme.slice('hmac-'.length);
  }

  /** @throws MoEDebuggerError ('protocol') for frames that are malformed or not signed with the key */
  parse(frames: readonly Uint8Array[]): Message {
    const delimiter = frames
      .slice(0, MAX_IDENTITIES + 1)
      .findIndex(frame => DELIMITER.equals(frame));
    if (delimiter < 0) {
      throw rejected('it has no delimiter');
    }
    if (frames.length < delimiter + 6) {
      throw rejected(
        `it has ${frames.length - delimiter - 1} parts after the delimiter, not 5 or more`
      );
    }
    const signature = frames[delimiter + 1];
    const signed = frames.slice(delimiter + 2, delimiter + 6);
    if (!this._verify(signature, signed)) {
      throw rejected('its signature is wrong');
    }
    const [header, parentHeader, metadata, content] = signed.map(parseObject);
    if (
      typeof header.msg_type !== 'string' ||
      typeof header.msg_id !== 'string' ||
      typeof header.session !== 'string'
    ) {
      throw rejected('its header has no msg_type, msg_id or session');
    }
    return {
      identities: frames.slice(0, delimiter),
      header: header as unknown as Header,
      parentHeader,
      metadata,
      content,
      buffers: frames.slice(delimiter + 6)
    };
  }

  /**
   * Frames to send. Buffers are passed on without a copy. Half a surrogate pair becomes U+FFFD: it is no text in UTF-8, so
   * a server cannot save a notebook that holds one.
   */
  serialize(
    identities: readonly Uint8Array[],
    json: SignedParts,
    buffers: readonly Uint8Array[] = []
  ): (string | Uint8Array)[] {
    const parts = json.map(wellFormed);
    return [
      ...identities,
      DELIMITER,
      this._sign(parts).toString('hex'),
      ...parts,
      ...buffers
    ];
  }

  private _sign(parts: readonly (string | Uint8Array)[]): Buffer {
    if (this._key === '') {
      return Buffer.alloc(0);
    }
    const hmac = createHmac(this._hash, this._key);
    for (const part of parts) {
      hmac.update(part);
    }
    return hmac.digest();
  }

  private _verify(signature: Uint8Array, parts: Uint8Array[]): boolean {
    if (this._key === '') {
      return true;
    }
    const expected = Buffer.from(this._sign(parts).toString('hex'));
    return (
      signature.byteLength === expected.byteLength &&
      timingSafeEqual(signature, expected)
    );
  }
}

export function makeHeader(type: string, session: string): Header {
  return {
    msg_id: randomUUID(),
    msg_type: type,
    session,
    username: 'kernel',
    date: new Date().toISOString(),
    version: PROTOCOL_VERSION
  };
}

/** JSON.stringify escapes only the halves of surrogate pairs that stand alone. */
function wellFormed(json: string): string {
  return json.includes('\\ud')
    ? json.replace(/\\(?:u[dD][89a-fA-F][\da-fA-F]{2}|.)/g, escape =>
        escape.length > 2 ? '\\ufffd' : escape
      )
    : json;
}

function parseObject(frame: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(frame).toString('utf8'));
  } catch {
    throw rejected('a part of it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw rejected('a part of it is not a JSON object');
  }
  return value as JsonObject;
}

function rejected(why: string): MoEDebuggerError {
  return new MoEDebuggerError('protocol', `a message was dropped: ${why}`);
}
