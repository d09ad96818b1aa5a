/** Decomposes com.microsoft.MultiHeadAttention without a KV cache. */
import { attributeFloat, attributeInt } from '../attributes';
import {
  cannotDecompose,
  numberLike,
  type Decomposition
} from './decomposition';

const KEY_PADDING_MASK = 4;
const ATTENTION_BIAS = 5;

export const multiHeadAttention: Decomposition = {
  ops: ['com.microsoft.MultiHeadAttention'],
  write(node, context) {
    const { graph, writer } = context;
    const [query, key, value, bias] = node.inputs;
    const heads = attributeInt(node.proto, 'num_heads') ?? 1;
    const refuse = (why: string): never => {
      throw cannotDecompose(graph, node, why);
    };
    if (!key || !value) {
      refuse('its query, key and value are packed');
    }
    if (bias) {
      refuse('it adds a bias to its query, key and value');
    }
    if (node.inputs[KEY_PADDING_MASK]) {
      refuse('it has a padding mask');
    }
    if (node.inputs.slice(ATTENTION_BIAS + 1).some(input => input !== '')) {
      refuse('it reads a cache');
    }
    if ((attributeInt(node.proto, 'unidirectional') ?? 0) !== 0) {
      refuse('it applies a causal mask of its own (unidirectional)');
    }
    const apart = (tensor: string): string =>
      writer.op(
        'Transpose',
        [writer.op('Reshape', [tensor, writer.ints([0, 0, heads, -1])])],
        { perm: [0, 2, 1, 3] }
      );
    const [q, k, v] = [query, key, value].map(apart);
    const product = writer.op('MatMul', [
      q,
      writer.op('Transpose', [k], { perm: [0, 1, 3, 2] })
    ]);
    const scale = attributeFloat(node.proto, 'scale') ?? 0;
    const scores =
      scale > 0
        ? writer.op('Mul', [product, numberLike(context, scale, query)])
        : writer.op('Div', [
            product,
            writer.op('Sqrt', [
              writer.op('CastLike', [
                writer.op('Shape', [q], { start: 3, end: 4 }),
                query
              ])
            ])
          ]);
    const mask = node.inputs[ATTENTION_BIAS];
    const masked = mask ? writer.op('Add', [scores, mask]) : scores;
    const mixed = writer.op('MatMul', [
      writer.op('Softmax', [masked], { axis: -1 }),
      v
    ]);
    writer.into([node.outputs[0]], 'Reshape', [
      writer.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
      writer.ints([0, 0, -1])
    ]);
  }
};
