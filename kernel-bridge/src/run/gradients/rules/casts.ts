/** Casts between float types: the gradient is cast back. Casts from or to integers have no gradient. */
import type { GradientRule } from '../rule';

export const casts: GradientRule = {
  ops: ['Cast', 'CastLike'],
  backward({ node, tape, grad, wants }) {
    return wants(0)
      ? {
          0: tape.castTo(
            grad,
            tape.facts.type(node.outputs[0]),
            tape.facts.type(node.inputs[0])
          )
        }
      : {};
  }
};
