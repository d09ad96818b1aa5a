/** An entry is part of all later sums, so its gradient is the cumulative sum in the reverse direction. */
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
