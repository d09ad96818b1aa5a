/** Decomposes com.microsoft.MatMulNBits: dequantises the matrix of 4 or 8 bits, then multiplies. */
import { attributeInt } from '../attributes';
import { cannotDecompose, type Decomposition } from './decomposition';
import { dequantizedRows } from './dequantize';

export const matMulNBits: Decomposition = {
  ops: ['com.microsoft.MatMulNBits'],
  write(node, context) {
    const { graph, writer } = context;
    const [x, weights, scales, zeroPoints, groups, bias] = node.inputs;
    const columns = attributeInt(node.proto, 'K') ?? 0;
    const rows = attributeInt(node.proto, 'N') ?? 0;
    const bits = attributeInt(node.proto, 'bits') ?? 4;
    if (bits !== 4 && bits !== 8) {
      throw cannotDecompose(graph, node, `its weights have ${bits} bits`);
    }
    if (groups) {
      throw cannotDecompose(graph, node, 'its columns are reordered');
    }
    const matrix = dequantizedRows(node, context, {
      weights,
      scales,
      ...(zeroPoints ? { zeroPoints } : {}),
      rows,
      columns,
      bits
    });
    const product = [x, writer.op('Transpose', [matrix], { perm: [1, 0] })];
    if (bias) {
      writer.into([node.outputs[0]], 'Add', [
        writer.op('MatMul', product),
        bias
      ]);
    } else {
      writer.into([node.outputs[0]], 'MatMul', product);
    }
  }
};
