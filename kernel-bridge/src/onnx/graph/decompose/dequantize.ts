/** Dequantises weights of 4 or 8 bits, in plain operators that onnxruntime folds into constants at load. */
import { attributeInt } from '../attributes';
import { ELEMENT } from '../../file/schema';
import type { GraphNode } from '../graph';
import { cannotDecompose, type DecompositionContext } from './decomposition';

export interface QuantizedRows {
  /** uint8; of 4 bits two values a byte, the low nibble first. */
  weights: string;
  /** [rows, blocks]; one a row without blocks. */
  scales: string;
  /** Shaped as the scales, packed as the weights. Default 2^(bits - 1). */
  zeroPoints?: string;
  rows: number;
  columns: number;
  bits: 4 | 8;
}

/** (q - zero point) scale, as [rows, columns] in the scales' type. */
export function dequantizedRows(
  node: GraphNode,
  context: DecompositionContext,
  { weights, scales, zeroPoints, rows, columns, bits }: QuantizedRows
): string {
  const { graph, writer, types } = context;
  const block = attributeInt(node.proto, 'block_size') ?? 0;
  const blocks = block > 0 ? Math.ceil(columns / block) : 1;
  if (columns % blocks !== 0 || (block > 0 && columns % block !== 0)) {
    throw cannotDecompose(
      graph,
      node,
      `rows of ${columns} weights are not whole blocks of ${block}`
    );
  }
  const type = types.get(scales) ?? ELEMENT.float;
  const whole = writer.op('Reshape', [
    unpacked(context, weights, bits),
    writer.ints([rows, blocks, columns / blocks])
  ]);
  let shifted: string;
  if (zeroPoints) {
    const points = unpacked(context, zeroPoints, bits);
    // With blocks, each row's zero points start at a new byte; the padding nibble is dropped.
    const perRow = bits === 4 && block > 0 ? blocks + (blocks % 2) : blocks;
    const own = writer.op('Slice', [
      writer.op('Reshape', [
        points,
        writer.ints([-1, block > 0 ? perRow : rows])
      ]),
      writer.ints([0]),
      writer.ints([block > 0 ? blocks : rows]),
      writer.ints([1])
    ]);
    shifted = writer.op('Sub', [
      whole,
      writer.op('Reshape', [own, writer.ints([rows, blocks, 1])])
    ]);
  } else {
    shifted = writer.op('Sub', [whole, writer.floats([2 ** (bits - 1)])]);
  }
  const scaled = writer.op('Mul', [
    shifted,
    writer.op('Reshape', [
      writer.op('Cast', [scales], { to: ELEMENT.float }),
      writer.ints([rows, blocks, 1])
    ])
  ]);
  const matrix = writer.op('Reshape', [scaled, writer.ints([rows, columns])]);
  return type === ELEMENT.float
    ? matrix
    : writer.op('Cast', [matrix], { to: type });
}

/** Quantised integers as float32, [bytes, values a byte]. */
function unpacked(
  { writer }: DecompositionContext,
  packed: string,
  bits: 4 | 8
): string {
  const bytes = writer.op('Cast', [packed], { to: ELEMENT.float });
  const flat = writer.op('Reshape', [bytes, writer.ints([-1, 1])]);
  if (bits === 8) {
    return flat;
  }
  const upper = writer.op('Floor', [
    writer.op('Mul', [flat, writer.floats([1 / 16])])
  ]);
  const lower = writer.op('Sub', [
    flat,
    writer.op('Mul', [upper, writer.floats([16])])
  ]);
  return writer.op('Concat', [lower, upper], { axis: 1 });
}
