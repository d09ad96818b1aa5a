/** Parameters and bytes as counted by hand, in the forms in which graphs store weights. */
import { GraphBuilder } from '../../../test/graph-builder';
import { readStructure } from '../../run/model/structure';
import { itWithZoo, zooModel } from '../../../test/zoo';
import { ParameterStorage } from './parameter-storage';

const sizeOf = (builder: GraphBuilder) =>
  new ParameterStorage(builder.build().graph).whole();

it('counts numbers, and neither shapes nor indices', () => {
  const b = new GraphBuilder();
  const x = b.input('x', 'float', [1, 4]);
  b.op('Reshape', [b.op('MatMul', [x, b.weight([4, 6])]), b.ints([6, 1])]);
  expect(sizeOf(b)).toEqual({
    parameters: 24,
    bytes: 96,
    stored: [{ bits: 32, quantized: false, tensors: 1, parameters: 24 }]
  });
});

it.each([
  ['at once', (b: GraphBuilder) => b.int8([4, 6])],
  [
    'behind a view',
    (b: GraphBuilder) => b.op('Transpose', [b.int8([6, 4])], { perm: [1, 0] })
  ]
])('counts 8-bit integers, and no scales: %s', (_, weights) => {
  const b = new GraphBuilder();
  const x = b.input('x', 'float', [1, 4]);
  const scales = b.op('Identity', [b.floats([1, 1, 1, 1, 1, 1])]);
  const zeros = b.int8([6]);
  b.op('MatMul', [
    x,
    b.op('DequantizeLinear', [weights(b), scales, zeros], { axis: 1 })
  ]);
  expect(sizeOf(b)).toEqual({
    parameters: 24,
    // Integers, scales, zero points.
    bytes: 24 + 6 * 4 + 6,
    stored: [{ bits: 8, quantized: true, tensors: 1, parameters: 24 }]
  });
});

it('counts the scale of a dynamically quantised product as none', () => {
  const b = new GraphBuilder();
  const x = b.input('x', 'float', [1, 4]);
  const [integers, scale, zero] = b.many('DynamicQuantizeLinear', [x], 3);
  const product = b.op('MatMulInteger', [integers, b.int8([4, 6]), zero]);
  b.op('Mul', [
    b.op('Cast', [product], { to: 1 }),
    b.op('Mul', [scale, b.floats([0.1])])
  ]);
  expect(sizeOf(b)).toMatchObject({ parameters: 24, bytes: 24 + 4 });
});

it.each([
  [4, 2],
  [2, 4],
  [8, 1]
])('counts each of the %d-bit integers in a byte', (bits, perByte) => {
  const b = new GraphBuilder();
  const x = b.input('x', 'float', [1, 32]);
  b.op(
    'com.microsoft.MatMulNBits',
    [x, b.uint8([6, 1, 32 / perByte]), b.floats(new Float32Array(6))],
    { K: 32, N: 6, bits, block_size: 32 }
  );
  expect(sizeOf(b)).toEqual({
    parameters: 6 * 32,
    bytes: (6 * 32) / perByte + 6 * 4,
    stored: [{ bits, quantized: true, tensors: 1, parameters: 6 * 32 }]
  });
});

it('is not misled by operators named like members of every object', () => {
  const b = new GraphBuilder();
  const x = b.input('x', 'float', [1]);
  b.op('constructor', [x, b.weight([3])]);
  expect(sizeOf(b).parameters).toBe(3);
});

describe('models whose weights are stored in another precision', () => {
  const plain = zooModel('mixtral-dynamo');
  const stored = (name: string) =>
    new ParameterStorage(
      readStructure(zooModel(name)!).onnx.proto.graph
    ).whole();

  itWithZoo(
    plain !== undefined,
    'have as many parameters as the same model in float32',
    () => {
      const { parameters } = stored('mixtral-dynamo');
      const [half, integers] = ['mixtral-fp16', 'mixtral-int8'].map(stored);
      expect(half.parameters).toBe(parameters);
      expect(integers.parameters).toBe(parameters);
      expect(half.stored.map(({ bits }) => bits)).toContain(16);
      expect(integers.stored.find(({ quantized }) => quantized)!.bits).toBe(8);
    }
  );
});

it('counts the weights of QMoE twice a byte, and its biases once', () => {
  const b = new GraphBuilder();
  const x = b.input('x', 'float', [1, 4]);
  // Two experts: packed weights of 4 bits, and biases that are stored as they are.
  const packed = b.uint8([2, 6, 2]);
  const bias = b.floats([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  b.op(
    'com.microsoft.QMoE',
    [x, b.input('router', 'float', [1, 2]), packed, '', bias],
    { expert_weight_bits: 4 }
  );
  expect(sizeOf(b).stored).toEqual([
    { bits: 32, quantized: false, tensors: 1, parameters: 12 },
    { bits: 4, quantized: true, tensors: 1, parameters: 2 * 2 * 6 * 2 }
  ]);
});
