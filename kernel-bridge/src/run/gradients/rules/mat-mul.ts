/** Y = A B: dA = dY Bᵀ, dB = Aᵀ dY, summed over the batch axes along which the operand was broadcast. */
import { attributeFloat, attributeInt } from '../../../onnx/graph/attributes';
import type { Backward, GradientRule } from '../rule';

export const matMul: GradientRule = {
  ops: ['MatMul'],
  backward(step) {
    const { node, tape, grad, wants } = step;
    const [a, b] = node.inputs;
    const [rankA, rankB] = [tape.facts.rank(a), tape.facts.rank(b)];
    if (rankA === 1 || rankB === 1) {
      return withVectors(step, rankA, rankB);
    }
    const rank = Math.max(rankA, rankB);
    const gradients: Record<number, string> = {};
    if (wants(0)) {
      const whole = tape.op('MatMul', [grad, tape.transposed(b, rankB)]);
      gradients[0] = sumBatch(step, whole, a, rankA, rank);
    }
    if (wants(1)) {
      if (rankB === 2 && rankA > 2) {
        // Flattens the batch axes, so that the product itself sums over them.
        const rows = (tensor: string, of: string, n: number): string =>
          tape.reshape(
            tensor,
            tape.op(
              'Concat',
              [
                tape.product(tape.sizes(of, 0, n - 1)),
                tape.sizes(of, n - 1, n)
              ],
              { axis: 0 }
            )
          );
        gradients[1] = tape.op('MatMul', [
          tape.transposed(rows(a, a, rankA), 2),
          rows(grad, node.outputs[0], rank)
        ]);
      } else {
        const whole = tape.op('MatMul', [tape.transposed(a, rankA), grad]);
        gradients[1] = sumBatch(step, whole, b, rankB, rank);
      }
    }
    return gradients;
  }
};

/** Reduces [..., m, n] over the batch axes along which an operand was broadcast. */
function sumBatch(
  { node, tape }: Backward,
  whole: string,
  operand: string,
  rank: number,
  rankOfResult: number
): string {
  if (rankOfResult === 2) {
    return whole;
  }
  const axes = tape.facts.broadcastAxes(operand, node.outputs[0], 2);
  const lead = rankOfResult - rank;
  if (!axes) {
    const sizes = tape.op(
      'Concat',
      [
        tape.ints(...new Array<number>(lead).fill(1)),
        tape.sizes(operand, 0, rank - 2)
      ],
      { axis: 0 }
    );
    return tape.reshapeLike(tape.sumOverOnes(whole, sizes), operand);
  }
  if (axes.length === lead) {
    return tape.sum(whole, axes, 0);
  }
  const summed = tape.sum(whole, axes);
  return lead > 0 ? tape.reshapeLike(summed, operand) : summed;
}

/** A vector is a matrix of one row on the left, of one column on the right. */
function withVectors(
  { node, tape, grad, wants }: Backward,
  rankA: number,
  rankB: number
): Record<number, string> {
  const [a, b] = node.inputs;
  const column = tape.ints(-1);
  const row = tape.ints(-2);
  const wide =
    rankA === 1 && rankB === 1
      ? tape.op('Reshape', [grad, tape.ints(1, 1)])
      : tape.op('Unsqueeze', [grad, rankA === 1 ? row : column]);
  const gradients: Record<number, string> = {};
  const allButLast = (rank: number): number[] =>
    [...new Array(rank - 1).keys()].map(Number);
  if (wants(0)) {
    const right =
      rankB === 1
        ? tape.op('Unsqueeze', [b, tape.ints(0)])
        : tape.transposed(b, rankB);
    const whole = tape.op('MatMul', [wide, right]);
    gradients[0] =
      rankA > 1 ? whole : tape.sum(whole, allButLast(Math.max(rankB, 2)), 0);
  }
  if (wants(1)) {
    const left =
      rankA === 1
        ? tape.op('Unsqueeze', [a, tape.ints(1)])
        : tape.transposed(a, rankA);
    const whole = tape.op('MatMul', [left, wide]);
    gradients[1] =
      rankB > 1
        ? whole
        : tape.sum(
            tape.op('Squeeze', [whole, column]),
            allButLast(Math.max(rankA, 2) - 1),
            0
          );
  }
  return gradients;
}

/** Y = alpha A' B' + beta C, where A' and B' may be transposes. */
export const gemm: GradientRule = {
  ops: ['Gemm'],
  backward({ node, tape, grad, wants }) {
    const [a, b, c] = node.inputs;
    const { proto } = node;
    const flag = (name: string): number => attributeInt(proto, name) ?? 0;
    const [transA, transB] = [flag('transA'), flag('transB')];
    const alpha = { alpha: { float: attributeFloat(proto, 'alpha') ?? 1 } };
    const beta = attributeFloat(proto, 'beta') ?? 1;
    const product = (
      left: string,
      right: string,
      ofLeft: number,
      ofRight: number
    ): string =>
      tape.op('Gemm', [left, right], {
        transA: ofLeft,
        transB: ofRight,
        ...alpha
      });
    const gradients: Record<number, string> = {};
    if (wants(0)) {
      gradients[0] = transA
        ? product(b, grad, transB, 1)
        : product(grad, b, 0, 1 - transB);
    }
    if (wants(1)) {
      gradients[1] = transB
        ? product(grad, a, 1, transA)
        : product(a, grad, 1 - transA, 0);
    }
    if (c && wants(2)) {
      const scaled =
        beta === 1
          ? grad
          : tape.op('Mul', [grad, tape.scalar(beta, node.outputs[0])]);
      gradients[2] = tape.unbroadcast(scaled, c, node.outputs[0]);
    }
    return gradients;
  }
};
