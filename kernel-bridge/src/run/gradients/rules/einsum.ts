/** The gradient by an operand is the Einsum of the output's gradient with the other operands. */
import { attributeText } from '../../../onnx/graph/attributes';
import type { GradientRule } from '../rule';
import { unsupported } from '../unsupported';

export const einsum: GradientRule = {
  ops: ['Einsum'],
  backward(step) {
    const { node, tape, grad, wants } = step;
    const equation = (attributeText(node.proto, 'equation') ?? '').replace(
      /\s/g,
      ''
    );
    const [left, output] = equation.split('->');
    const operands = left.split(',');
    const gradients: Record<number, string> = {};
    operands.forEach((own, i) => {
      if (!wants(i)) {
        return;
      }
      const others = operands.filter((_, j) => j !== i);
      const known = new Set([output, ...others].join(''));
      // Not supported: an index of this operand only (summed over), and one that occurs twice in it (a diagonal).
      if (
        output === undefined ||
        equation.includes('.') ||
        new Set(own).size !== own.length ||
        [...own].some(index => !known.has(index))
      ) {
        throw unsupported(step, `its equation is ${equation}`);
      }
      gradients[i] = tape.op(
        'Einsum',
        [grad, ...node.inputs.filter((_, j) => j !== i)],
        { equation: `${[output, ...others].join(',')}->${own}` }
      );
    });
    return gradients;
  }
};
