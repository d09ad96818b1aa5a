/** Elementwise functions: the gradient times the derivative, in terms of the argument x and the result y. */
import { attributeFloat, attributeText } from '../../../onnx/graph/attributes';
import type { Backward, GradientRule } from '../rule';
import type { Tape } from '../tape';

type Formula = (
  tape: Tape,
  step: { grad: string; x: string; y: string },
  node: Backward['node']
) => string;

const times = (tape: Tape, ...factors: string[]): string =>
  factors.reduce((product, factor) => tape.op('Mul', [product, factor]));

/** 1 - y², the derivative of tanh. */
const oneMinusSquare = (tape: Tape, y: string): string =>
  tape.op('Sub', [tape.scalar(1, y), tape.op('Mul', [y, y])]);

const FORMULAS: Record<string, Formula> = {
  Identity: (_, { grad }) => grad,
  Dropout: (_, { grad }) => grad,
  Neg: (t, { grad }) => t.op('Neg', [grad]),
  Abs: (t, { grad, x }) => times(t, grad, t.op('Sign', [x])),
  Exp: (t, { grad, y }) => times(t, grad, y),
  Log: (t, { grad, x }) => t.op('Div', [grad, x]),
  Sqrt: (t, { grad, y }) => t.op('Div', [times(t, grad, t.scalar(0.5, y)), y]),
  Reciprocal: (t, { grad, y }) => t.op('Neg', [times(t, grad, times(t, y, y))]),
  Sin: (t, { grad, x }) => times(t, grad, t.op('Cos', [x])),
  Cos: (t, { grad, x }) => t.op('Neg', [times(t, grad, t.op('Sin', [x]))]),
  Tanh: (t, { grad, y }) => times(t, grad, oneMinusSquare(t, y)),
  Sigmoid: (t, { grad, y }) =>
    times(t, grad, times(t, y, t.op('Sub', [t.scalar(1, y), y]))),
  Softplus: (t, { grad, x }) => times(t, grad, t.op('Sigmoid', [x])),
  Erf: (t, { grad, x }) =>
    times(
      t,
      grad,
      t.op('Exp', [t.op('Neg', [times(t, x, x)])]),
      t.scalar(2 / Math.sqrt(Math.PI), x)
    ),
  Relu: (t, { grad, x }) =>
    t.op('Where', [t.op('Greater', [x, t.scalar(0, x)]), grad, t.scalar(0, x)]),
  LeakyRelu: (t, { grad, x }, { proto }) =>
    t.op('Where', [
      t.op('Greater', [x, t.scalar(0, x)]),
      grad,
      times(t, grad, t.scalar(attributeFloat(proto, 'alpha') ?? 0.01, x))
    ]),
  Elu: (t, { grad, x, y }, { proto }) =>
    t.op('Where', [
      t.op('Greater', [x, t.scalar(0, x)]),
      grad,
      times(
        t,
        grad,
        t.op('Add', [y, t.scalar(attributeFloat(proto, 'alpha') ?? 1, x)])
      )
    ]),
  HardSigmoid: (t, { grad, y }, { proto }) =>
    t.op('Where', [
      t.op('And', [
        t.op('Greater', [y, t.scalar(0, y)]),
        t.op('Less', [y, t.scalar(1, y)])
      ]),
      times(t, grad, t.scalar(attributeFloat(proto, 'alpha') ?? 0.2, y)),
      t.scalar(0, y)
    ]),
  Gelu: (t, step, { proto }) =>
    attributeText(proto, 'approximate') === 'tanh'
      ? tanhGelu(t, step)
      : gelu(t, step),
  'com.microsoft.Gelu': (t, step) => gelu(t, step),
  'com.microsoft.QuickGelu': (t, { grad, x }, { proto }) => {
    // y = x s(ax), so y' = s + a x s (1 - s).
    const a = t.scalar(attributeFloat(proto, 'alpha') ?? 1.702, x);
    const gate = t.op('Sigmoid', [times(t, x, a)]);
    const rest = times(t, x, a, gate, t.op('Sub', [t.scalar(1, x), gate]));
    return times(t, grad, t.op('Add', [gate, rest]));
  }
};

/** y = x P(x) with the normal distribution function P and its density p, so y' = P + x p. */
function gelu(t: Tape, { grad, x }: { grad: string; x: string }): string {
  const half = t.scalar(0.5, x);
  const error = t.op('Erf', [times(t, x, t.scalar(Math.SQRT1_2, x))]);
  const cumulative = times(t, t.op('Add', [error, t.scalar(1, x)]), half);
  const density = times(
    t,
    t.op('Exp', [t.op('Neg', [times(t, x, x, half)])]),
    t.scalar(1 / Math.sqrt(2 * Math.PI), x)
  );
  return times(t, grad, t.op('Add', [cumulative, times(t, x, density)]));
}

/** y = x (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x³), Hendrycks and Gimpel 2016. */
function tanhGelu(t: Tape, { grad, x }: { grad: string; x: string }): string {
  const square = times(t, x, x);
  const root = t.scalar(Math.sqrt(2 / Math.PI), x);
  const one = t.scalar(1, x);
  const tanh = t.op('Tanh', [
    times(
      t,
      root,
      x,
      t.op('Add', [one, times(t, square, t.scalar(0.044715, x))])
    )
  ]);
  const slope = times(
    t,
    root,
    t.op('Add', [one, times(t, square, t.scalar(3 * 0.044715, x))])
  );
  const sum = t.op('Add', [
    t.op('Add', [one, tanh]),
    times(t, x, oneMinusSquare(t, tanh), slope)
  ]);
  return times(t, grad, sum, t.scalar(0.5, x));
}

export const unary: GradientRule = {
  ops: Object.keys(FORMULAS),
  differentiable: [0],
  backward({ node, tape, grad }) {
    const step = { grad, x: node.inputs[0], y: node.outputs[0] };
    return { 0: FORMULAS[node.op](tape, step, node) };
  }
};
