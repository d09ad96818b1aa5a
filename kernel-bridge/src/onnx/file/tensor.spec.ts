import { tensor } from '../../../test/graph-builder';
import {
  bfloat16,
  byteSize,
  elementCount,
  float16,
  inlineValues
} from './tensor';

const raw = (dataType: number, dims: number[], bytes: number[]) =>
  tensor('t', dataType, dims, Uint8Array.from(bytes));

describe('inlineValues', () => {
  // Little-endian bytes of each type, written out by hand.
  it.each([
    [
      'float32',
      raw(1, [2], [0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x20, 0xc0]),
      [1, -2.5]
    ],
    ['uint8', raw(2, [2], [0, 255]), [0, 255]],
    ['int8', raw(3, [2], [0x7f, 0x80]), [127, -128]],
    ['uint16', raw(4, [1], [0xff, 0xff]), [65535]],
    ['int16', raw(5, [1], [0xfe, 0xff]), [-2]],
    ['int32', raw(6, [1], [0xfd, 0xff, 0xff, 0xff]), [-3]],
    [
      'int64',
      raw(
        7,
        [2],
        [1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]
      ),
      [1, -1]
    ],
    ['bool', raw(9, [2], [1, 0]), [1, 0]],
    ['float16', raw(10, [2], [0x00, 0x3c, 0x00, 0xc0]), [1, -2]],
    ['float64', raw(11, [1], [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]), [1.5]],
    ['bfloat16', raw(16, [2], [0x80, 0x3f, 0x40, 0xc0]), [1, -3]]
  ])('reads raw %s', (_, proto, values) => {
    expect(inlineValues(proto)).toEqual(values);
  });

  it('reads the typed fields', () => {
    expect(
      inlineValues({ ...tensor('t', 7, [3]), int64Data: [1, -1, 5] })
    ).toEqual([1, -1, 5]);
    expect(inlineValues({ ...tensor('t', 1, [1]), floatData: [0.5] })).toEqual([
      0.5
    ]);
    expect(
      inlineValues({ ...tensor('t', 10, [1]), int32Data: [0x3c00] })
    ).toEqual([1]);
  });

  it('reads a scalar, which has no dims', () => {
    expect(inlineValues(raw(6, [], [7, 0, 0, 0]))).toEqual([7]);
  });

  it('returns undefined for values that are external, not numeric or too few', () => {
    expect(
      inlineValues({ ...raw(6, [1], [7, 0, 0, 0]), dataLocation: 1 })
    ).toBeUndefined();
    expect(inlineValues(raw(6, [2], [7, 0, 0, 0]))).toBeUndefined();
    expect(inlineValues(tensor('t', 6, [1e9]))).toBeUndefined();
    expect(inlineValues(raw(8, [1], [65]))).toBeUndefined();
  });
});

describe('sizes', () => {
  it('counts elements and bytes, half bytes rounded up', () => {
    expect(elementCount(tensor('t', 1, [3, 4, 5]))).toBe(60);
    expect(byteSize(tensor('t', 1, [3, 4, 5]))).toBe(240);
    expect(byteSize(tensor('t', 22, [3]))).toBe(2);
    expect(byteSize(tensor('t', 8, [3]))).toBeNaN();
  });
});

describe('half precision', () => {
  // IEEE 754-2008, binary16: smallest subnormal 2^-24, largest normal 65504.
  it.each([
    [0x0001, 2 ** -24],
    [0x0400, 2 ** -14],
    [0x7bff, 65504],
    [0xfbff, -65504],
    [0x3555, 0.333251953125],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x8000, -0]
  ])('float16 %i is %d', (bits, value) => {
    expect(float16(bits)).toBe(value);
  });

  it('keeps NaN', () => {
    expect(float16(0x7e00)).toBeNaN();
    expect(bfloat16(0x7fc0)).toBeNaN();
  });

  it('reads bfloat16 as the upper half of a float32', () => {
    expect(bfloat16(0x4049)).toBe(3.140625);
    expect(bfloat16(0xff80)).toBe(-Infinity);
  });
});
