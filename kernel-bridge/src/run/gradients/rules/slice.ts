/** The gradient of Slice is padded by zeros. */
import { attributeInts } from '../../../onnx/graph/attributes';
import type { Backward, GradientRule } from '../rule';
import type { Tape } from '../tape';
import { unsupported } from '../unsupported';
import { positive } from './shapes';

interface Cut {
  axis: number;
  /** Lists of one integer. */
  start: string;
  end: string;
  step: number;
}

export const slice: GradientRule = {
  ops: ['Slice'],
  backward(step) {
    const { node, tape, grad } = step;
    const [x] = node.inputs;
    const [result] = node.outputs;
    const rank = tape.facts.rank(x);
    const cuts = readCuts(step, rank);
    const zero = tape.ints(0);
    const before = new Array<string>(rank).fill(zero);
    const after = new Array<string>(rank).fill(zero);
    for (const cut of cuts.filter(({ step: n }) => n === 1)) {
      const { axis } = cut;
      const size = tape.sizes(x, axis, axis + 1);
      const kept = tape.sizes(result, axis, axis + 1);
      // The first kept index, from onnxruntime's own Slice, which clamps indices out of range.
      before[axis] = tape.op('Slice', [
        tape.op('Concat', [keptIndices(tape, cut, size), zero], { axis: 0 }),
        zero,
        tape.ints(1)
      ]);
      after[axis] = tape.op('Sub', [
        tape.op('Sub', [size, before[axis]]),
        kept
      ]);
    }
    // Pads all axes, since onnxruntime's optimisers break graphs whose Pad has the input `axes`.
    let whole = cuts.some(({ step: n }) => n === 1)
      ? tape.op('Pad', [
          grad,
          tape.op('Concat', [...before, ...after], { axis: 0 }),
          tape.scalar(0, result)
        ])
      : grad;
    for (const cut of cuts.filter(({ step: n }) => n !== 1)) {
      whole = spread(tape, cut, whole, x, rank);
    }
    return { 0: whole };
  }
};

/** The indices along an axis that a slice keeps, in its order. */
function keptIndices(
  tape: Tape,
  { start, end, step }: Cut,
  size: string
): string {
  const all = tape.op('Range', [
    tape.writer.int(0),
    tape.op('Squeeze', [size]),
    tape.writer.int(1)
  ]);
  return tape.op('Slice', [all, start, end, tape.ints(0), tape.ints(step)]);
}

/** Scatters the gradient along an axis with a step other than 1 to the kept indices. */
function spread(
  tape: Tape,
  cut: Cut,
  grad: string,
  x: string,
  rank: number
): string {
  const { axis } = cut;
  const size = tape.sizes(x, axis, axis + 1);
  const own = tape.op('Shape', [grad]);
  const shape = tape.op(
    'Concat',
    [
      tape.op('Slice', [own, tape.ints(0), tape.ints(axis)]),
      size,
      tape.op('Slice', [own, tape.ints(axis + 1), tape.ints(rank)])
    ],
    { axis: 0 }
  );
  const column = new Array<number>(rank).fill(1);
  column[axis] = -1;
  const indices = tape.op('Expand', [
    tape.op('Reshape', [keptIndices(tape, cut, size), tape.ints(...column)]),
    own
  ]);
  return tape.op(
    'ScatterElements',
    [tape.op('Expand', [tape.scalar(0, x), shape]), indices, grad],
    { axis }
  );
}

function readCuts(step: Backward, rank: number): Cut[] {
  const { node, tape } = step;
  const { graph, facts } = tape;
  const [, starts, ends, axesInput, stepsInput] = node.inputs;
  if (starts === undefined) {
    const from = attributeInts(node.proto, 'starts') ?? [];
    const to = attributeInts(node.proto, 'ends') ?? [];
    const axes = attributeInts(node.proto, 'axes') ?? [...from.keys()];
    return axes.map((axis, i) => ({
      axis: positive(axis, rank),
      start: tape.ints(from[i]),
      end: tape.ints(to[i]),
      step: 1
    }));
  }
  const count = facts.fixedAxis(starts, 0) ?? 1;
  const axes = axesInput
    ? graph.constantValues(axesInput)
    : [...new Array(count).keys()];
  const steps = stepsInput
    ? graph.constantValues(stepsInput)
    : new Array<number>(count).fill(1);
  if (!axes || !steps) {
    throw unsupported(step, 'its axes or steps are computed');
  }
  const entry = (list: string, i: number): string =>
    axes.length === 1
      ? list
      : tape.op('Slice', [list, tape.ints(i), tape.ints(i + 1)]);
  return axes.map((axis, i) => ({
    axis: positive(axis, rank),
    start: int64(tape, entry(starts, i)),
    end: int64(tape, entry(ends, i)),
    step: steps[i]
  }));
}

/** Casts bounds, which may be int32, to int64. */
function int64(tape: Tape, list: string): string {
  return tape.op('Cast', [list], { to: 7 });
}
