/** y = softmax(x): dx = y (dy - sum(y dy)). y = log softmax(x): dx = dy - softmax(x) sum(dy). */
import { attributeInt } from '../../../onnx/graph/attributes';
import type { GradientRule } from '../rule';

export const softmax: GradientRule = {
  ops: ['Softmax', 'LogSoftmax'],
  backward({ node, tape, grad }) {
    const [y] = node.outputs;
    const axes = [attributeInt(node.proto, 'axis') ?? -1];
    if (node.op === 'LogSoftmax') {
      const share = tape.op('Mul', [tape.op('Exp', [y]), tape.sum(grad, axes)]);
      return { 0: tape.op('Sub', [grad, share]) };
    }
    const weighted = tape.op('Mul', [grad, y]);
    const share = tape.op('Mul', [y, tape.sum(weighted, axes)]);
    return { 0: tape.op('Sub', [weighted, share]) };
  }
};
