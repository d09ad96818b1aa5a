import {
  ProtocolError,
  decodeArray,
  encodeArray,
  extractBuffers,
  insertBuffers
} from '.';

describe('extractBuffers', () => {
  const first = Float32Array.of(1);
  const second = new Uint8Array([2, 3]);

  it('takes the views out, and leaves all else as it is', () => {
    const value = {
      a: { data: first, name: 'x' },
      list: [second, null, 'text', 7, true, ['deep', { b: first }]],
      none: null
    };
    expect(extractBuffers(value)).toEqual({
      // As Jupyter does: a removed key is absent, an entry of a list is null.
      state: {
        a: { name: 'x' },
        list: [null, null, 'text', 7, true, ['deep', {}]],
        none: null
      },
      bufferPaths: [
        ['a', 'data'],
        ['list', 0],
        ['list', 5, 1, 'b']
      ],
      buffers: [first, second, first]
    });
    expect(value.a.data).toBe(first);
  });

  it('takes a value that is a view itself', () => {
    expect(extractBuffers(first)).toEqual({
      state: null,
      bufferPaths: [[]],
      buffers: [first]
    });
  });

  it('is undone by insertBuffers', () => {
    const value = { a: { data: first }, list: [second, { b: 1 }] };
    const { state, bufferPaths, buffers } = extractBuffers(value);
    insertBuffers(state, bufferPaths, buffers);
    expect(state).toEqual(value);
  });
});

describe('insertBuffers', () => {
  it('makes a view of a buffer', () => {
    const state: { a?: DataView } = {};
    insertBuffers(state, [['a']], [Uint8Array.of(1, 2).buffer]);
    expect(state.a).toBeInstanceOf(DataView);
    expect(state.a!.getUint16(0)).toBe(0x0102);
  });

  it.each([
    ['differ in length', {}, [['a'], ['b']]],
    ['differ in length', {}, 'a'],
    ['buffer_paths[0] is not a path', {}, ['a']],
    ['buffer_paths[0] is not a path', {}, [[]]],
    ['buffer_paths[0] is not a path', {}, [['__proto__', 'x']]],
    ['buffer_paths[0] is not a path', {}, [['a', 'constructor']]],
    ['buffer_paths[0] is not a path', {}, [['prototype']]],
    ['buffer_paths[0] leads nowhere', {}, [['a', 'b', 'c']]],
    ['buffer_paths[0] leads nowhere', { a: null }, [['a', 'b']]],
    ['buffer_paths[0] leads nowhere', { a: 7 }, [['a', 'b']]]
  ])('says "%s"', (message, state, paths) => {
    const before = JSON.stringify(state);
    const insert = () => insertBuffers(state, paths, [new ArrayBuffer(1)]);
    expect(insert).toThrow(ProtocolError);
    expect(insert).toThrow(message);
    expect(JSON.stringify(state)).toBe(before);
    expect('x' in Object.prototype).toBe(false);
  });
});

describe('arrays', () => {
  const values = Float32Array.of(1, 2, 0.5, -1, 0, 3);
  // 1, 2, 0.5, -1, 0 and 3 as little-endian IEEE 754.
  const text = 'AACAPwAAAEAAAAA/AACAvwAAAAAAAEBA';

  it('are base64 of their little-endian bytes, or the bytes', () => {
    expect(encodeArray(values, [2, 3])).toEqual({
      dtype: 'float32',
      shape: [2, 3],
      data: text
    });
    expect(encodeArray(Int32Array.of(-1), [1]).data).toBe('/////w==');
    expect(encodeArray(Int32Array.of(258), [1], true)).toEqual({
      dtype: 'int32',
      shape: [1],
      data: Uint8Array.of(2, 1, 0, 0)
    });
  });

  it('are as long as they have to be, however long that is', () => {
    const long = Int32Array.from({ length: 20_000 }, (_, i) => i * i);
    expect(
      decodeArray(encodeArray(long, [20_000]), 'int32', [20_000], 'a')
    ).toEqual(long);
  });

  it('are read from a part of a buffer', () => {
    const whole = Float32Array.of(9, 1, 2, 9);
    const part = whole.subarray(1, 3);
    const encoded = encodeArray(part, [2], true);
    expect(decodeArray(encoded, 'float32', [2], 'a')).toEqual(part);
  });

  it.each([
    ['a is not a float32 array', null],
    ['a is not a float32 array', 'x'],
    ['a is not a float32 array', { dtype: 'int32', shape: [2, 3], data: text }],
    [
      'a has shape [3,2], expected [2,3]',
      { dtype: 'float32', shape: [3, 2], data: text }
    ],
    [
      'a has shape [2,3,1], expected [2,3]',
      { dtype: 'float32', shape: [2, 3, 1], data: text }
    ],
    ['a has shape [x], expected', { dtype: 'float32', shape: 'x', data: text }],
    [
      'a holds 3 bytes, expected 24',
      { dtype: 'float32', shape: [2, 3], data: 'AAAA' }
    ],
    ['a is not base64', { dtype: 'float32', shape: [2, 3], data: '~' }],
    ['a has no data', { dtype: 'float32', shape: [2, 3], data: 7 }]
  ])('says "%s"', (message, encoded) => {
    const decode = () => decodeArray(encoded, 'float32', [2, 3], 'a');
    expect(decode).toThrow(ProtocolError);
    expect(decode).toThrow(message);
  });
});
