/** A rotation of pairs of numbers: its transpose is the rotation by the opposite angle. */
import type { GradientRule } from '../rule';
import { unsupported } from '../unsupported';

export const rotaryEmbedding: GradientRule = {
  ops: ['com.microsoft.RotaryEmbedding', 'RotaryEmbedding'],
  backward(step) {
    const { node, tape, grad, wants } = step;
    // ONNX's own operator has the positions last, and may go without them.
    // ONNX's own operator has the positions last, and may go without them.
    const own = node.op === 'RotaryEmbedding';
    const sines = own ? 2 : 3;
    if ([1, 2, 3].some(input => node.inputs[input] && wants(input))) {
      throw unsupported(step, 'its angles depend on what is differentiated by');
    }
    const opposite = tape.op('Neg', [node.inputs[sines]]);
    const inputs = [grad, ...node.inputs.slice(1)];
    inputs[sines] = opposite;
    return { 0: tape.writer.copy(node.proto, inputs) };
  }
};
