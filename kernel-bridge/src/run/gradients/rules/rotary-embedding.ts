/** Rotary embedding: the transpose of a rotation is the rotation by the negative angle. */
import type { GradientRule } from '../rule';
import { unsupported } from '../unsupported';

export const rotaryEmbedding: GradientRule = {
  ops: ['com.microsoft.RotaryEmbedding', 'RotaryEmbedding'],
  backward(step) {
    const { node, tape, grad, wants } = step;
    // ONNX's own operator has the positions last, and they are optional.
    const own = node.op === 'RotaryEmbedding';
    const sines = own ? 2 : 3;
    if ([1, 2, 3].some(input => node.inputs[input] && wants(input))) {
      throw unsupported(
        step,
        'a gradient with respect to its angles is needed'
      );
    }
    const opposite = tape.op('Neg', [node.inputs[sines]]);
    const inputs = [grad, ...node.inputs.slice(1)];
    inputs[sines] = opposite;
    return { 0: tape.writer.copy(node.proto, inputs) };
  }
};
