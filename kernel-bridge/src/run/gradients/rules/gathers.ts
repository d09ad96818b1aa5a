/** Gathers: gradients are scattered to the gathered indices, and added where an index repeats. */
import { attributeInt } from '../../../onnx/graph/attributes';
import { ELEMENT } from '../../../onnx/file/schema';
import type { GradientRule } from '../rule';
import type { Tape } from '../tape';
import { unsupported } from '../unsupported';
import { positive } from './shapes';

export const gather: GradientRule = {
  ops: ['Gather'],
  backward({ node, tape, grad }) {
    const [x, indices] = node.inputs;
    const rank = tape.facts.rank(x);
    const axis = positive(attributeInt(node.proto, 'axis') ?? 0, rank);
    const depth = tape.facts.rank(indices);
    if (axis === 0 && fewRows(tape, x)) {
      return { 0: addRows(tape, grad, x, indices, rank) };
    }
    // Flattens the axes of the indices.
    const flat =
      depth === 1
        ? grad
        : depth === 0
          ? tape.op('Unsqueeze', [grad, tape.ints(axis)])
          : tape.reshape(
              grad,
              joined(tape, [
                tape.sizes(x, 0, axis),
                tape.op('Reshape', [tape.op('Size', [indices]), tape.ints(1)]),
                tape.sizes(x, axis + 1, rank)
              ])
            );
    const column = new Array<number>(rank).fill(1);
    column[axis] = -1;
    const places = tape.op('Expand', [
      tape.op('Reshape', [indices, tape.ints(...column)]),
      tape.op('Shape', [flat])
    ]);
    return {
      0: tape.op('ScatterElements', [tape.zeros(x), places, flat], {
        axis,
        ...(depth === 0 ? {} : { reduction: 'add' })
      })
    };
  }
};

export const gatherElements: GradientRule = {
  ops: ['GatherElements'],
  backward({ node, tape, grad }) {
    const [x, indices] = node.inputs;
    return {
      0: tape.op('ScatterElements', [tape.zeros(x), indices, grad], {
        axis: attributeInt(node.proto, 'axis') ?? 0,
        reduction: 'add'
      })
    };
  }
};

export const gatherND: GradientRule = {
  ops: ['GatherND'],
  backward(step) {
    const { node, tape, grad } = step;
    const [x, indices] = node.inputs;
    const depth = tape.facts.fixedAxis(indices, -1);
    if ((attributeInt(node.proto, 'batch_dims') ?? 0) !== 0) {
      throw unsupported(step, 'its batch_dims are not 0');
    }
    if (depth === undefined) {
      throw unsupported(step, 'the depth of its indices is not fixed');
    }
    const rank = tape.facts.rank(x);
    if (depth === 1 && rank > 0) {
      return { 0: addRows(tape, grad, x, indices, rank) };
    }
    // Converts indices over several axes to linear indices.
    const sizes = tape.sizes(x, 0, depth);
    const wrapped = tape.op('Where', [
      tape.op('Less', [indices, tape.writer.int(0)]),
      tape.op('Add', [indices, sizes]),
      indices
    ]);
    const strides = tape.op(
      'Concat',
      [
        ...Array.from({ length: depth }, (_, i) =>
          i === depth - 1
            ? tape.ints(1)
            : tape.product(tape.sizes(x, i + 1, depth))
        )
      ],
      { axis: 0 }
    );
    const linear = tape.op(
      'ReduceSum',
      [tape.op('Mul', [wrapped, strides]), tape.ints(-1)],
      { keepdims: 0 }
    );
    const flat = tape.reshape(
      grad,
      joined(tape, [
        tape.op('Reshape', [tape.op('Size', [linear]), tape.ints(1)]),
        tape.product(joined(tape, [tape.ints(1), tape.sizes(x, depth, rank)]))
      ])
    );
    const hits = oneHot(tape, linear, tape.product(sizes), x);
    return { 0: tape.reshapeLike(tape.op('MatMul', [hits, flat]), x) };
  }
};

/**
 * Scatter-adds rows as a product with a one-hot matrix: onnxruntime's ScatterND with reduction=add loses updates on
 * several threads, and its ScatterElements is many times slower for few rows.
 */
function addRows(
  tape: Tape,
  grad: string,
  x: string,
  indices: string,
  rank: number
): string {
  const hits = oneHot(tape, indices, tape.sizes(x, 0, 1), x);
  const flat =
    rank === 2 && tape.facts.rank(indices) === 1
      ? grad
      : tape.reshape(
          grad,
          joined(tape, [
            tape.op('Reshape', [tape.op('Size', [indices]), tape.ints(1)]),
            tape.product(joined(tape, [tape.ints(1), tape.sizes(x, 1, rank)]))
          ])
        );
  const summed = tape.op('MatMul', [hits, flat]);
  return rank === 2 ? summed : tape.reshapeLike(summed, x);
}

/** A one-hot matrix, [depth, indices], of the element type of `like`. */
function oneHot(
  tape: Tape,
  indices: string,
  depth: string,
  like: string
): string {
  const flat = tape.op('Reshape', [indices, tape.ints(-1)]);
  // onnxruntime's OneHot supports int64 indices with float values, and no other types that occur here.
  const hits = tape.op(
    'OneHot',
    [
      tape.op('Cast', [flat], { to: ELEMENT.int64 }),
      tape.op('Squeeze', [depth]),
      tape.writer.floats([0, 1])
    ],
    { axis: 0 }
  );
  return tape.castTo(hits, ELEMENT.float, tape.facts.type(like));
}

/** True for few rows, or as many as tokens: not for a vocabulary. */
function fewRows(tape: Tape, x: string): boolean {
  return (tape.facts.fixedAxis(x, 0) ?? 0) <= MAX_ONE_HOT_ROWS;
}

const MAX_ONE_HOT_ROWS = 1024;

function joined(tape: Tape, lists: string[]): string {
  return tape.op('Concat', lists, { axis: 0 });
}
