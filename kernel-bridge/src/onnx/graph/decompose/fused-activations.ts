/** Decomposes GELU with a bias, and a matrix product with transposes and a factor. */
import { attributeFloat, attributeInt } from '../attributes';
import {
  cannotDecompose,
  numberLike,
  type Decomposition
} from './decomposition';
import { applyActivation } from './activation';

export const fusedActivations: Decomposition = {
  ops: [
    'com.microsoft.BiasGelu',
    'com.microsoft.FastGelu',
    'com.microsoft.FusedMatMul'
  ],
  write(node, context) {
    const { graph, writer } = context;
    const [x, second] = node.inputs;
    const [y] = node.outputs;
    switch (node.op) {
      case 'com.microsoft.BiasGelu':
        writer.into([y], 'com.microsoft.Gelu', [writer.op('Add', [x, second])]);
        return;
      case 'com.microsoft.FastGelu': {
        const sum = second ? writer.op('Add', [x, second]) : x;
        writer.into([y], 'Identity', [
          applyActivation(context, 'gelu', sum, x)
        ]);
        return;
      }
      default: {
        const flag = (name: string): boolean =>
          (attributeInt(node.proto, name) ?? 0) === 1;
        if (flag('transBatchA') || flag('transBatchB')) {
          throw cannotDecompose(graph, node, 'its batch axes are transposed');
        }
        const turned = (tensor: string): string => {
          const rank = graph.shape(tensor)?.length;
          if (rank === undefined) {
            throw cannotDecompose(
              graph,
              node,
              `the number of axes of ${tensor} is not known`
            );
          }
          const perm = Array.from({ length: rank }, (_, axis) => axis);
          perm.splice(rank - 2, 2, rank - 1, rank - 2);
          return writer.op('Transpose', [tensor], { perm });
        };
        const product = writer.op('MatMul', [
          flag('transA') ? turned(x) : x,
          flag('transB') ? turned(second) : second
        ]);
        const alpha = attributeFloat(node.proto, 'alpha') ?? 1;
        writer.into([y], 'Mul', [product, numberLike(context, alpha, x)]);
      }
    }
  }
};
