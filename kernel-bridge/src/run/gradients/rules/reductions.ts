/** Reductions: the gradient is broadcast to the reduced entries, times the derivative by each. */
import { attributeInt, attributeInts } from '../../../onnx/graph/attributes';
import type { Backward, GradientRule } from '../rule';
import type { Tape } from '../tape';

export const reductions: GradientRule = {
  ops: [
    'ReduceSum',
    'ReduceMean',
    'ReduceSumSquare',
    'ReduceL1',
    'ReduceL2',
    'ReduceLogSumExp',
    'ReduceMax',
    'ReduceMin'
  ],
  backward(step) {
    const { node, tape, grad } = step;
    const [x] = node.inputs;
    const axes = reducedAxes(step);
    if (axes === 'none') {
      return { 0: node.op === 'ReduceSumSquare' ? twice(tape, grad, x) : grad };
    }
    const keeps = (attributeInt(node.proto, 'keepdims') ?? 1) === 1;
    const widen = (tensor: string): string =>
      keeps ? tensor : tape.op('Unsqueeze', [tensor, axes]);
    const g = widen(grad);
    const y = node.outputs[0];
    const spread = (values: string): string =>
      tape.op('Expand', [values, tape.shape(x)]);
    switch (node.op) {
      case 'ReduceSum':
        return { 0: spread(g) };
      case 'ReduceMean':
        return { 0: spread(tape.op('Div', [g, entries(step)])) };
      case 'ReduceSumSquare':
        return { 0: twice(tape, g, x) };
      case 'ReduceL1':
        return { 0: tape.op('Mul', [g, tape.op('Sign', [x])]) };
      case 'ReduceL2':
        return { 0: tape.op('Mul', [tape.op('Div', [g, widen(y)]), x]) };
      case 'ReduceLogSumExp': {
        const share = tape.op('Exp', [tape.op('Sub', [x, widen(y)])]);
        return { 0: tape.op('Mul', [g, share]) };
      }
      default: {
        // Tied entries share the gradient.
        const hits = tape.op('Cast', [tape.op('Equal', [x, widen(y)])], {
          to: tape.facts.type(x)
        });
        const count = tape.op('ReduceSum', [hits, axes], { keepdims: 1 });
        return { 0: tape.op('Mul', [tape.op('Div', [g, count]), hits]) };
      }
    }
  }
};

function twice(tape: Tape, grad: string, x: string): string {
  return tape.op('Mul', [grad, tape.op('Mul', [x, tape.scalar(2, x)])]);
}

/** The axes as a list of integers; 'none' where an empty list means that nothing is reduced. */
function reducedAxes({ node, tape }: Backward): string {
  const own = attributeInts(node.proto, 'axes');
  if (own) {
    return tape.ints(...own);
  }
  const [x, axes] = node.inputs;
  if (axes && tape.graph.constantValues(axes)?.length !== 0) {
    return axes;
  }
  return (attributeInt(node.proto, 'noop_with_empty_axes') ?? 0) === 1
    ? 'none'
    : tape.ints(...new Array(tape.facts.rank(x)).keys());
}

/** The number of entries of each mean, in the element type of x. */
function entries({ node, tape }: Backward): string {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const whole = tape.facts.shape(x);
  const counts = tape.facts
    .shape(y)
    .map((dims, probe) => product(whole[probe]) / product(dims));
  const reduced = tape.facts.rank(x) === tape.facts.rank(y);
  // Fixed when all reduced axes are.
  const fixed =
    reduced &&
    whole[0].every(
      (size, axis) =>
        tape.facts.shape(y)[0][axis] === size ||
        tape.facts.fixedAxis(x, axis) !== undefined
    );
  if (fixed && Number.isFinite(counts[0])) {
    return tape.scalar(counts[0], x);
  }
  return tape.op(
    'Cast',
    [tape.op('Div', [tape.op('Size', [x]), tape.op('Size', [y])])],
    { to: tape.facts.type(x) }
  );
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}
