/** Operators that select one of several values: the gradient goes to the selected one. */
import { attributeInt } from '../../../onnx/graph/attributes';
import type { GradientRule } from '../rule';

export const where: GradientRule = {
  ops: ['Where'],
  backward({ node, tape, grad, wants }) {
    const [condition, ...values] = node.inputs;
    const zero = tape.scalar(0, node.outputs[0]);
    const gradients: Record<number, string> = {};
    values.forEach((value, i) => {
      if (wants(i + 1)) {
        const masked = tape.op('Where', [
          condition,
          ...(i === 0 ? [grad, zero] : [zero, grad])
        ]);
        gradients[i + 1] = tape.unbroadcast(masked, value, node.outputs[0]);
      }
    });
    return gradients;
  }
};

/** A value at a bound has the gradient of one inside, as in PyTorch. */
export const clip: GradientRule = {
  ops: ['Clip'],
  backward({ node, tape, grad, wants }) {
    const [x, low, high] = node.inputs;
    const bounds = [
      [low, 'GreaterOrEqual', 'Less'],
      [high, 'LessOrEqual', 'Greater']
    ].filter(([bound]) => bound);
    const zero = tape.scalar(0, x);
    const gradients: Record<number, string> = {};
    if (wants(0)) {
      const inside = bounds.map(([bound, compare]) =>
        tape.op(compare, [x, bound])
      );
      gradients[0] =
        inside.length === 0
          ? grad
          : tape.op('Where', [
              inside.reduce((a, b) => tape.op('And', [a, b])),
              grad,
              zero
            ]);
    }
    [low, high].forEach((bound, i) => {
      if (bound && wants(i + 1)) {
        const outside = tape.op(i === 0 ? 'Less' : 'Greater', [x, bound]);
        gradients[i + 1] = tape.unbroadcast(
          tape.op('Where', [outside, grad, zero]),
          bound,
          node.outputs[0]
        );
      }
    });
    return gradients;
  }
};

/** Tied values share the gradient. */
export const extremes: GradientRule = {
  ops: ['Max', 'Min'],
  backward({ node, tape, grad, wants }) {
    const [result] = node.outputs;
    const type = tape.facts.type(result);
    const hits = node.inputs.map(input =>
      tape.op('Cast', [tape.op('Equal', [input, result])], { to: type })
    );
    const share =
      hits.length === 1 ? grad : tape.op('Div', [grad, tape.op('Sum', hits)]);
    const gradients: Record<number, string> = {};
    node.inputs.forEach((input, i) => {
      if (wants(i)) {
        gradients[i] = tape.unbroadcast(
          tape.op('Mul', [share, hits[i]]),
          input,
          result
        );
      }
    });
    return gradients;
  }
};

/** Gradients of the values are scattered to their indices. */
export const topK: GradientRule = {
  ops: ['TopK'],
  differentiable: [0],
  backward({ node, tape, grad }) {
    const [x] = node.inputs;
    return {
      0: tape.op(
        'ScatterElements',
        [tape.zeros(x), node.outputs[1] || chosen(), grad],
        { axis: attributeInt(node.proto, 'axis') ?? -1 }
      )
    };

    /** Indices of the values, for a node that does not output them. */
    function chosen(): string {
      const [, indices] = tape.writer.many('TopK', node.inputs, 2, {
        axis: attributeInt(node.proto, 'axis') ?? -1,
        largest: attributeInt(node.proto, 'largest') ?? 1,
        sorted: attributeInt(node.proto, 'sorted') ?? 1
      });
      return indices;
    }
  }
};
