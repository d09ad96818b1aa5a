/** Weights of 4 or 8 bits as floats, in plain operators that onnxruntime computes once, when it loads the graph. */
import { attributeInt } from '../attributes';
import { ELEMENT } from '../../file/schema';
import type { GraphNode } from '../graph';
import { cannotDecompose, type DecompositionContext } from './decomposition';

export interface QuantizedRows {
  /** uint8; two numbers of 4 bits a byte, the lower half first. */
  weights: string;
  /** [rows, blocks], a row's blocks side by side; one a row where the rows have no blocks. */
  scales: string;
  /** As the scales, packed as the weights; half of the range where there are none. */
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
      `rows of ${columns} weights are no whole blocks of ${block}`
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
    // Each row's zero points begin with a byte of their own; what fills the last one up is dropped.
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

/** A flat list of whole numbers, as float32. */
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
