/** An entry went into all sums from it on, so its gradient is the sum of theirs: the same sum from the other end. */
import { attributeInt } from '../../../onnx/graph/attributes';
import type { GradientRule } from '../rule';

export const cumulativeSum: GradientRule = {
  ops: ['CumSum'],
  backward: ({ node, tape, grad }) => ({
    0: tape.op('CumSum', [grad, node.inputs[1]], {
      exclusive: attributeInt(node.proto, 'exclusive') ?? 0,
      reverse: 1 - (attributeInt(node.proto, 'reverse') ?? 0)
    })
  })
};
