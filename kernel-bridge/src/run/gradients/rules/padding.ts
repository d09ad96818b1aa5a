/** The gradient of Pad is padded by the negated sizes: padding is cut off, and entries that were cut off get 0. */
import { attributeText } from '../../../onnx/graph/attributes';
import type { GradientRule } from '../rule';
import { unsupported } from '../unsupported';

export const padding: GradientRule = {
  ops: ['Pad'],
  backward(step) {
    const { node, tape, grad, wants } = step;
    const [, pads, , axes] = node.inputs;
    const mode = attributeText(node.proto, 'mode') ?? 'constant';
    if (mode !== 'constant') {
      throw unsupported(step, `its mode is ${mode}`);
    }
    if (wants(2)) {
      throw unsupported(step, 'the value that it pads with is computed');
    }
    return wants(0)
      ? {
          0: tape.op('Pad', [
            grad,
            tape.op('Neg', [pads]),
            ...(axes ? ['', axes] : [])
          ])
        }
      : {};
  }
};
