/**
 * Y = W * X + b, in groups. dX is the transposed convolution of dY with W. dW is a convolution of X by dY, with stride
 * and dilation swapped, and batch and channels swapped (Dumoulin and Visin 2016, arXiv 1603.07285).
 */
import {
  attributeInts,
  attributeInt,
  attributeText
} from '../../../onnx/graph/attributes';
import type { Backward, GradientRule } from '../rule';
import { unsupported } from '../unsupported';

export const convolution: GradientRule = {
  ops: ['Conv'],
  backward(step) {
    const { node, tape, grad, wants } = step;
    const [x, w, bias] = node.inputs;
    const form = readForm(step);
    const gradients: Record<number, string> = {};
    if (wants(0)) {
      gradients[0] = byInput(step, x, w, form);
    }
    if (wants(1)) {
      gradients[1] = byWeight(step, x, w, form);
    }
    if (bias && wants(2)) {
      const axes = form.strides.map((_, axis) => axis + 2);
      gradients[2] = tape.sum(grad, [0, ...axes], 0);
    }
    return gradients;
  }
};

/** Attributes of a Conv, one number a spatial axis; pads hold all begins, then all ends. */
interface Form {
  group: number;
  strides: number[];
  dilations: number[];
  pads: number[];
}

function readForm(step: Backward): Form {
  const { node, tape } = step;
  const { proto } = node;
  const axes = tape.facts.rank(node.inputs[0]) - 2;
  const ones = new Array<number>(axes).fill(1);
  const form: Form = {
    group: attributeInt(proto, 'group') ?? 1,
    strides: attributeInts(proto, 'strides') ?? ones,
    dilations: attributeInts(proto, 'dilations') ?? ones,
    pads: attributeInts(proto, 'pads') ?? [...ones, ...ones].map(() => 0)
  };
  const auto = attributeText(proto, 'auto_pad') ?? 'NOTSET';
  if (auto.startsWith('SAME')) {
    const kernel = tape.facts.fixed(node.inputs[1])?.slice(2);
    if (!kernel || form.strides.some(stride => stride !== 1)) {
      throw unsupported(step, `its padding is ${auto} with strides`);
    }
    const whole = kernel.map((size, i) => form.dilations[i] * (size - 1));
    const less = whole.map(size => Math.floor(size / 2));
    const more = whole.map((size, i) => size - less[i]);
    form.pads = auto === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
  }
  return form;
}

function byInput(
  { tape, grad }: Backward,
  x: string,
  w: string,
  { group, strides, dilations, pads }: Form
): string {
  const axes = strides.length;
  const unstrided = strides.every(stride => stride === 1);
  const back = tape.op('ConvTranspose', [grad, w], {
    group,
    strides,
    dilations,
    // Strides may skip padding at the end, so it is not applied here but sliced off below.
    pads: unstrided ? pads : pads.map((pad, i) => (i < axes ? pad : 0))
  });
  if (unstrided) {
    return back;
  }
  // Strides may also skip the last entries, whose gradient is 0.
  const rest = strides.map(stride => stride - 1);
  const none = new Array<number>(axes + 2).fill(0);
  const space = strides.map((_, axis) => axis + 2);
  return tape.op('Slice', [
    tape.op('Pad', [back, tape.ints(...none, 0, 0, ...rest)]),
    tape.ints(...space.map(() => 0)),
    tape.sizes(x, 2, axes + 2),
    tape.ints(...space)
  ]);
}

/**
 * dW[m, c] is the sum over n of X[n, c] convolved by dY[n, m]: one grouped convolution of X as [channels of a group,
 * groups * batch] by dY as [M, batch].
 */
function byWeight(
  { tape, grad }: Backward,
  x: string,
  w: string,
  { group, strides, dilations, pads }: Form
): string {
  const rank = strides.length + 2;
  const space = strides.map((_, axis) => axis + 2);
  const swapped = { perm: [1, 0, ...space] };
  const batchOf = tape.sizes(x, 0, 1);
  const sizes = tape.sizes(x, 2, rank);
  const list = (...parts: string[]): string =>
    tape.op('Concat', parts, { axis: 0 });
  const grouped = tape.op(
    'Transpose',
    [tape.reshape(x, list(batchOf, tape.ints(group, -1), sizes))],
    { perm: [2, 1, 0, ...space.map(axis => axis + 1)] }
  );
  const folded = tape.reshape(
    grouped,
    list(
      tape.op('Shape', [grouped], { start: 0, end: 1 }),
      tape.ints(-1),
      sizes
    )
  );
  const whole = tape.op(
    'Transpose',
    [
      tape.op('Conv', [folded, tape.op('Transpose', [grad], swapped)], {
        group,
        strides: dilations,
        dilations: strides,
        pads
      })
    ],
    swapped
  );
  // Entries beyond the convolution kernel come from entries of X that strides skipped.
  return tape.op('Slice', [
    whole,
    tape.ints(...space.map(() => 0)),
    tape.sizes(w, 2, rank),
    tape.ints(...space)
  ]);
}
