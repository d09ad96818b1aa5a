import type { GradientRule } from '../../src/run/gradients/rule';

/** y = x / (1 + |x|), so y' = 1 / (1 + |x|)². */
export const softsign: GradientRule = {
  ops: ['Softsign'],
  backward({ node, tape, grad }) {
    const [x] = node.inputs;
    const root = tape.op('Add', [tape.scalar(1, x), tape.op('Abs', [x])]);
    return { 0: tape.op('Div', [grad, tape.op('Mul', [root, root])]) };
  }
};
