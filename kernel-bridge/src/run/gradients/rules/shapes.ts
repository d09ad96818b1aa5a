/** Operators that rearrange values: the gradient is rearranged back. */
import { attributeInt, attributeInts } from '../../../onnx/graph/attributes';
import type { GradientRule } from '../rule';

export const reshapes: GradientRule = {
  ops: ['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'],
  backward: ({ node, tape, grad }) => ({
    0: tape.reshapeLike(grad, node.inputs[0])
  })
};

export const transpose: GradientRule = {
  ops: ['Transpose'],
  backward({ node, tape, grad }) {
    const perm =
      attributeInts(node.proto, 'perm') ??
      [...new Array(tape.facts.rank(node.inputs[0])).keys()].reverse();
    return {
      0: tape.op('Transpose', [grad], {
        perm: perm.map((_, axis) => perm.indexOf(axis))
      })
    };
  }
};

export const expand: GradientRule = {
  ops: ['Expand'],
  backward: ({ node, tape, grad }) => ({
    0: tape.unbroadcast(grad, node.inputs[0], node.outputs[0])
  })
};

/** Splits each axis of the gradient into repetitions and values, and sums over the repetitions. */
export const tile: GradientRule = {
  ops: ['Tile'],
  backward({ node, tape, grad }) {
    const [x, repeats] = node.inputs;
    const rank = tape.facts.rank(x);
    const column = tape.ints(1);
    const pairs = tape.op(
      'Concat',
      [
        tape.op('Unsqueeze', [repeats, column]),
        tape.op('Unsqueeze', [tape.shape(x), column])
      ],
      { axis: 1 }
    );
    const split = tape.reshape(
      grad,
      tape.op('Reshape', [pairs, tape.ints(-1)])
    );
    const axes = Array.from({ length: rank }, (_, i) => 2 * i);
    return { 0: tape.sum(split, axes, 0) };
  }
};

export const concat: GradientRule = {
  ops: ['Concat'],
  backward({ node, tape, grad, wants }) {
    if (node.inputs.length === 1) {
      return { 0: grad };
    }
    const rank = tape.facts.rank(node.outputs[0]);
    const axis = positive(attributeInt(node.proto, 'axis') ?? 0, rank);
    const fixed = node.inputs.map(input => tape.facts.fixedAxis(input, axis));
    const sizes = fixed.every(size => size !== undefined)
      ? tape.ints(...(fixed as number[]))
      : tape.op(
          'Concat',
          node.inputs.map(input => tape.sizes(input, axis, axis + 1)),
          { axis: 0 }
        );
    const parts = tape.writer.many('Split', [grad, sizes], node.inputs.length, {
      axis
    });
    return Object.fromEntries([...parts.entries()].filter(([i]) => wants(i)));
  }
};

export const split: GradientRule = {
  ops: ['Split'],
  backward({ node, tape, grads }) {
    const parts = node.outputs.map(
      (output, i) => grads[i] ?? (output ? tape.zeros(output) : '')
    );
    return {
      0: tape.op('Concat', parts, {
        axis: attributeInt(node.proto, 'axis') ?? 0
      })
    };
  }
};

/** A non-negative axis. */
export function positive(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
