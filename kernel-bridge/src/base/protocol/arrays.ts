/** Encodes typed arrays: base64 text in a notebook's JSON, binary buffers over a comm. */
import { ProtocolError } from './error';

export type NumericArray = Float32Array | Int32Array;
export type DType = 'float32' | 'int32';

/** `data` is base64 text in JSON, or a view that the transport carries as a binary buffer. Little-endian. */
export interface EncodedArray {
  dtype: DType;
  shape: number[];
  data: string | ArrayBufferView;
}

/** Encodes a row-major array; `binary` leaves the bytes as a view for `extractBuffers`. */
export function encodeArray(
  values: NumericArray,
  shape: number[],
  binary = false
): EncodedArray {
  const bytes = new Uint8Array(
    values.buffer,
    values.byteOffset,
    values.byteLength
  );
  return {
    dtype: values instanceof Float32Array ? 'float32' : 'int32',
    shape,
    data: binary ? bytes : toBase64(bytes)
  };
}

/**
 * Decodes and validates an untrusted array.
 * @throws ProtocolError when dtype, shape and byte length are inconsistent
 */
export function decodeArray(
  value: unknown,
  dtype: 'float32',
  shape: number[],
  name: string
): Float32Array;
export function decodeArray(
  value: unknown,
  dtype: 'int32',
  shape: number[],
  name: string
): Int32Array;
export function decodeArray(
  value: unknown,
  dtype: DType,
  shape: number[],
  name: string
): NumericArray {
  const encoded = value as Partial<EncodedArray> | null;
  if (
    typeof encoded !== 'object' ||
    encoded === null ||
    encoded.dtype !== dtype
  ) {
    throw new ProtocolError(`${name} is not a ${dtype} array`);
  }
  const size = shape.reduce((product, n) => product * n, 1);
  if (
    !Array.isArray(encoded.shape) ||
    encoded.shape.length !== shape.length ||
    shape.some((n, i) => n !== encoded.shape![i])
  ) {
    throw new ProtocolError(
      `${name} has shape [${String(encoded.shape).slice(0, 60)}], expected [${shape}]`
    );
  }
  const bytes = toBytes(encoded.data, name);
  if (bytes.byteLength !== size * 4) {
    throw new ProtocolError(
      `${name} holds ${bytes.byteLength} bytes, expected ${size * 4}`
    );
  }
  const buffer = bytes.slice().buffer;
  return dtype === 'float32'
    ? new Float32Array(buffer)
    : new Int32Array(buffer);
}

function toBytes(data: unknown, name: string): Uint8Array {
  if (typeof data === 'string') {
    return fromBase64(data, name);
  }
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new ProtocolError(`${name} has no data`);
}

// Browsers and Node both have `btoa` and `atob`; chunks keep the argument list of `fromCharCode` short.
function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  }
  return btoa(text);
}

function fromBase64(text: string, name: string): Uint8Array {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    throw new ProtocolError(`${name} is not base64`);
  }
  return Uint8Array.from(binary, c => c.charCodeAt(0));
}
