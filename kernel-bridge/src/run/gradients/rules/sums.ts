/** d(a + b) = da + db; d(a - b) = da - db. */
import type { GradientRule } from '../rule';

export const sums: GradientRule = {
  ops: ['Add', 'Sum', 'Sub'],
  backward({ node, tape, grad, wants }) {
    const gradients: Record<number, string> = {};
    node.inputs.forEach((input, i) => {
      if (wants(i)) {
        const own =
          node.op === 'Sub' && i === 1 ? tape.op('Neg', [grad]) : grad;
        gradients[i] = tape.unbroadcast(own, input, node.outputs[0]);
      }
    });
    return gradients;
  }
};
