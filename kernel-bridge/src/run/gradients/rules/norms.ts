/**
 * LayerNorm (Ba et al. 2016) and RMSNorm (Zhang and Sennrich 2019): y = scale xh + bias with xh = (x - mean x) / std x,
 * or x / rms x. With u = dy scale, dx = (u - mean(u) - xh mean(u xh)) / std; RMSNorm has no term mean(u).
 */
import { attributeFloat, attributeInt } from '../../../onnx/graph/attributes';
import type { GradientRule } from '../rule';
import { unsupported } from '../unsupported';
import { positive } from './shapes';

export const norms: GradientRule = {
  ops: [
    'LayerNormalization',
    'SimplifiedLayerNormalization',
    'RMSNormalization'
  ],
  backward(step) {
    const { node, tape, grads, grad, wants } = step;
    if (grads.some((other, i) => i > 0 && other !== undefined)) {
      throw unsupported(step, 'its statistics are read');
    }
    const [x, scale, bias] = node.inputs;
    const [y] = node.outputs;
    const rank = tape.facts.rank(x);
    const first = positive(attributeInt(node.proto, 'axis') ?? -1, rank);
    const axes = Array.from({ length: rank - first }, (_, i) => first + i);
    const epsilon = attributeFloat(node.proto, 'epsilon') ?? 1e-5;
    const times = (a: string, b: string): string => tape.op('Mul', [a, b]);
    const mean = (tensor: string): string => tape.mean(tensor, axes);
    const centred =
      node.op === 'LayerNormalization' ? tape.op('Sub', [x, mean(x)]) : x;
    const variance = tape.op('Add', [
      mean(times(centred, centred)),
      tape.scalar(epsilon, x)
    ]);
    const inverse = tape.op('Reciprocal', [tape.op('Sqrt', [variance])]);
    const normal = times(centred, inverse);
    const gradients: Record<number, string> = {};
    if (wants(0)) {
      const u = times(grad, scale);
      const along = tape.op('Sub', [u, times(normal, mean(times(u, normal)))]);
      gradients[0] = times(
        inverse,
        centred === x ? along : tape.op('Sub', [along, mean(u)])
      );
    }
    if (wants(1)) {
      gradients[1] = tape.unbroadcast(times(grad, normal), scale, y);
    }
    if (bias && wants(2)) {
      gradients[2] = tape.unbroadcast(grad, bias, y);
    }
    return gradients;
  }
};
