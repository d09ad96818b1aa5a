/** Values of small tensors that are stored inline, in the graph itself. */
import type { Int64, TensorProto } from './schema';
import { ELEMENT, ELEMENT_BITS } from './schema';

export function dimsOf(tensor: TensorProto): number[] {
  return tensor.dims.map(Number);
}

export function elementCount(tensor: TensorProto): number {
  return tensor.dims.reduce(
    (product: number, n: Int64) => product * Number(n),
    1
  );
}

/** Bytes of a tensor's raw data; NaN for types without a fixed size (strings). */
export function byteSize(tensor: TensorProto): number {
  return Math.ceil(
    (elementCount(tensor) * (ELEMENT_BITS[tensor.dataType ?? 0] ?? NaN)) / 8
  );
}

export function isExternal(tensor: TensorProto): boolean {
  return tensor.dataLocation === 1;
}

/** The values as numbers; undefined when they are external, not numeric or not as many as the shape says. */
export function inlineValues(tensor: TensorProto): number[] | undefined {
  if (isExternal(tensor)) {
    return undefined;
  }
  const size = elementCount(tensor);
  const raw = tensor.rawData;
  if (raw && raw.length > 0) {
    return raw.length === byteSize(tensor)
      ? rawValues(tensor.dataType ?? 0, raw, size)
      : undefined;
  }
  const typed =
    tensor.dataType === ELEMENT.float
      ? tensor.floatData
      : tensor.dataType === ELEMENT.double
        ? tensor.doubleData
        : tensor.dataType === ELEMENT.int64
          ? tensor.int64Data.map(Number)
          : tensor.dataType === ELEMENT.float16
            ? tensor.int32Data.map(float16)
            : tensor.int32Data;
  return typed.length === size ? [...typed] : undefined;
}

function rawValues(
  type: number,
  raw: Uint8Array,
  size: number
): number[] | undefined {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const read: Record<number, (i: number) => number> = {
    1: i => view.getFloat32(i * 4, true),
    2: i => view.getUint8(i),
    3: i => view.getInt8(i),
    4: i => view.getUint16(i * 2, true),
    5: i => view.getInt16(i * 2, true),
    6: i => view.getInt32(i * 4, true),
    7: i => Number(view.getBigInt64(i * 8, true)),
    9: i => view.getUint8(i),
    10: i => float16(view.getUint16(i * 2, true)),
    11: i => view.getFloat64(i * 8, true),
    12: i => view.getUint32(i * 4, true),
    13: i => Number(view.getBigUint64(i * 8, true)),
    16: i => bfloat16(view.getUint16(i * 2, true))
  };
  return read[type]
    ? Array.from({ length: size }, (_, i) => read[type](i))
    : undefined;
}

/** The number that 16 bits hold in IEEE 754 half precision. */
export function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  return exponent === 31
    ? fraction
      ? NaN
      : sign * Infinity
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The number that 16 bits hold as bfloat16, the upper half of a float32. */
export function bfloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
}
