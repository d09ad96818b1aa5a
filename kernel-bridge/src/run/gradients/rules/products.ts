/** d(ab) = b da + a db; d(a/b) = da/b - (a/b) db/b. */
import type { GradientRule } from '../rule';

export const multiplication: GradientRule = {
  ops: ['Mul'],
  backward({ node, tape, grad, wants }) {
    const gradients: Record<number, string> = {};
    for (const i of [0, 1]) {
      if (wants(i)) {
        gradients[i] = tape.unbroadcast(
          tape.op('Mul', [grad, node.inputs[1 - i]]),
          node.inputs[i],
          node.outputs[0]
        );
      }
    }
    return gradients;
  }
};

export const division: GradientRule = {
  ops: ['Div'],
  backward({ node, tape, grad, wants }) {
    const [numerator, denominator] = node.inputs;
    const [quotient] = node.outputs;
    const scaled = tape.op('Div', [grad, denominator]);
    return {
      ...(wants(0) ? { 0: tape.unbroadcast(scaled, numerator, quotient) } : {}),
      ...(wants(1)
        ? {
            1: tape.unbroadcast(
              tape.op('Neg', [tape.op('Mul', [scaled, quotient])]),
              denominator,
              quotient
            )
          }
        : {})
    };
  }
};
