/** Scatters: the gradient at written indices goes to the updates, elsewhere to the data. */
import { attributeInt, attributeText } from '../../../onnx/graph/attributes';
import type { GradientRule } from '../rule';
import { unsupported } from '../unsupported';

export const scatters: GradientRule = {
  ops: ['ScatterElements', 'ScatterND'],
  backward(step) {
    const { node, tape, grad, wants } = step;
    const [, indices, updates] = node.inputs;
    const reduction = attributeText(node.proto, 'reduction') ?? 'none';
    if (reduction !== 'none' && reduction !== 'add') {
      throw unsupported(step, `its reduction is ${reduction}`);
    }
    const elements = node.op === 'ScatterElements';
    const axis = elements
      ? { axis: attributeInt(node.proto, 'axis') ?? 0 }
      : undefined;
    return {
      ...(wants(0)
        ? {
            0:
              reduction === 'add'
                ? grad
                : tape.op(node.op, [grad, indices, tape.zeros(updates)], axis)
          }
        : {}),
      ...(wants(2)
        ? {
            2: tape.op(
              elements ? 'GatherElements' : 'GatherND',
              [grad, indices],
              axis
            )
          }
        : {})
    };
  }
};
