/** d(x^p) = p x^(p-1) dx + x^p ln(x) dp. */
import type { GradientRule } from '../rule';

export const power: GradientRule = {
  ops: ['Pow'],
  backward({ node, tape, grad, wants }) {
    const [base, exponent] = node.inputs;
    const [result] = node.outputs;
    const gradients: Record<number, string> = {};
    if (wants(0)) {
      const p = tape.graph.constantScalar(exponent);
      const slope =
        p === undefined
          ? tape.op('Mul', [
              exponent,
              tape.op('Pow', [
                base,
                tape.op('Sub', [exponent, tape.scalar(1, exponent)])
              ])
            ])
          : tape.op('Mul', [
              p === 2 ? base : tape.op('Pow', [base, tape.scalar(p - 1, base)]),
              tape.scalar(p, base)
            ]);
      gradients[0] = tape.unbroadcast(
        tape.op('Mul', [grad, slope]),
        base,
        result
      );
    }
    if (wants(1)) {
      // Where the base is not positive the power is not differentiable in the exponent; the gradient is set to 0.
      const zero = tape.scalar(0, base);
      const positive = tape.op('Greater', [base, zero]);
      const log = tape.op('Log', [
        tape.op('Where', [positive, base, tape.scalar(1, base)])
      ]);
      gradients[1] = tape.unbroadcast(
        tape.op('Mul', [grad, tape.op('Mul', [result, log])]),
        exponent,
        result
      );
    }
    return gradients;
  }
};
