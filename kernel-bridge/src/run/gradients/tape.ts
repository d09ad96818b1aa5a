/** The tape on which gradient rules write nodes, with helpers for shapes and element types. */
import type { AttributeValue } from '../../onnx/graph/attributes';
import type { Graph } from '../../onnx/graph/graph';
import { NodeWriter, storedTensor } from '../../onnx/graph/node-writer';
import { ELEMENT } from '../../onnx/file/schema';
import type { TensorFacts } from './tensor-facts';

export const GRADIENT_PREFIX = 'moe_debugger/gradient/';

export class Tape {
  readonly writer = new NodeWriter(GRADIENT_PREFIX);
  private readonly _shapes = new Map<string, string>();

  constructor(
    readonly graph: Graph,
    readonly facts: TensorFacts,
    readonly opset: number
  ) {}

  op(
    op: string,
    inputs: readonly string[],
    attributes?: Record<string, AttributeValue>
  ): string {
    return this.writer.op(op, inputs, attributes);
  }

  ints(...values: number[]): string {
    return this.writer.ints(values);
  }

  /** A constant scalar of the element type of `like`. */
  scalar(value: number, like: string): string {
    const type = this.facts.type(like);
    return type === ELEMENT.double
      ? this.writer.doubles([value])
      : this.castTo(this.writer.floats([value]), ELEMENT.float, type);
  }

  /** `tensor`, of element type `from`, in type `to`. */
  castTo(tensor: string, from: number, to: number): string {
    return from === to ? tensor : this.op('Cast', [tensor], { to });
  }

  /** The shape of a tensor as a list of integers: constant where it is fixed. */
  shape(tensor: string): string {
    const known = this._shapes.get(tensor);
    if (known) {
      return known;
    }
    const fixed = this.facts.fixed(tensor);
    const shape = fixed ? this.ints(...fixed) : this.op('Shape', [tensor]);
    this._shapes.set(tensor, shape);
    return shape;
  }

  /** Sizes of the axes from `start` up to `end`, as a list. */
  sizes(tensor: string, start: number, end: number): string {
    const axes = Array.from({ length: end - start }, (_, i) => start + i);
    const fixed = axes.map(axis => this.facts.fixedAxis(tensor, axis));
    return fixed.every(size => size !== undefined)
      ? this.ints(...(fixed as number[]))
      : this.op('Shape', [tensor], { start, end });
  }

  /** The product of a list of integers, as a list of one. */
  product(list: string): string {
    return this.op('ReduceProd', [list], { keepdims: 1 });
  }

  /** Zeros of a tensor's shape and type. */
  zeros(like: string): string {
    return this.op('ConstantOfShape', [this.shape(like)], {
      value: zero(this.facts.type(like))
    });
  }

  /** Reshapes values to the shape of `like`. Axes may be empty, as for an expert that no token chose. */
  reshapeLike(values: string, like: string): string {
    return this.reshape(values, this.shape(like));
  }

  reshape(values: string, shape: string): string {
    return this.op('Reshape', [values, shape], { allowzero: 1 });
  }

  sum(values: string, axes: readonly number[], keepdims = 1): string {
    return axes.length === 0
      ? values
      : this.op('ReduceSum', [values, this.ints(...axes)], { keepdims });
  }

  mean(values: string, axes: readonly number[]): string {
    return this.opset >= AXES_AS_INPUT
      ? this.op('ReduceMean', [values, this.ints(...axes)], { keepdims: 1 })
      : this.op('ReduceMean', [values], { axes, keepdims: 1 });
  }

  /** Swaps the last two axes. */
  transposed(tensor: string, rank: number): string {
    const perm = Array.from({ length: rank }, (_, axis) => axis);
    perm.splice(rank - 2, 2, rank - 1, rank - 2);
    return this.op('Transpose', [tensor], { perm });
  }

  /** Sums a gradient of `result`'s shape over the axes along which `operand` was broadcast. */
  unbroadcast(gradient: string, operand: string, result: string): string {
    const axes = this.facts.broadcastAxes(operand, result);
    if (!axes) {
      return this._unbroadcastInRun(gradient, operand, result);
    }
    const lead = this.facts.rank(result) - this.facts.rank(operand);
    if (axes.length === lead) {
      return this.sum(gradient, axes, 0);
    }
    const summed = this.sum(gradient, axes);
    return lead > 0 ? this.reshapeLike(summed, operand) : summed;
  }

  private _unbroadcastInRun(
    gradient: string,
    operand: string,
    result: string
  ): string {
    const lead = this.facts.rank(result) - this.facts.rank(operand);
    const shape = this.shape(operand);
    return this.reshapeLike(
      this.sumOverOnes(
        gradient,
        lead > 0
          ? this.op(
              'Concat',
              [this.ints(...new Array<number>(lead).fill(1)), shape],
              { axis: 0 }
            )
          : shape
      ),
      operand
    );
  }

  /** Sums over the axes whose size in the list `sizes` is 1. */
  sumOverOnes(gradient: string, sizes: string): string {
    const ones = this.op('NonZero', [this.op('Equal', [sizes, this.ints(1)])]);
    return this.op(
      'ReduceSum',
      [gradient, this.op('Reshape', [ones, this.ints(-1)])],
      { keepdims: 1, noop_with_empty_axes: 1 }
    );
  }
}

/** Since this opset all reductions take their axes as an input. */
const AXES_AS_INPUT = 18;

function zero(dataType: number) {
  return {
    ...storedTensor('', dataType, [1]),
    ...(dataType === ELEMENT.double
      ? { doubleData: [0] }
      : dataType === ELEMENT.float
        ? { floatData: [0] }
        : { int32Data: [0] })
  };
}
