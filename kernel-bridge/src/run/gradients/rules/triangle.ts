/** Trilu: the gradient is cut to the same triangle. */
import { attributeInt } from '../../../onnx/graph/attributes';
import type { GradientRule } from '../rule';

export const triangle: GradientRule = {
  ops: ['Trilu'],
  backward: ({ node, tape, grad }) => ({
    0: tape.op('Trilu', [grad, ...node.inputs.slice(1).filter(Boolean)], {
      upper: attributeInt(node.proto, 'upper') ?? 1
    })
  })
};
