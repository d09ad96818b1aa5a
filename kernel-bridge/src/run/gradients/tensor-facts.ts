/**
 * Facts about the tensors of a graph that differentiation needs: element types, and shapes in probe runs of different
 * batch sizes and lengths. An axis of the same size in all probe runs is fixed.
 */
import { MoEDebuggerError } from '../../base/errors';
import { ELEMENT } from '../../onnx/file/schema';

/** Sizes along each axis, one list a probe run. */
export type ProbedShape = readonly (readonly number[])[];

export class TensorFacts {
  /**
   * @param _uncertain tensors whose shape depends on values, as downstream of NonZero: probe runs can agree on it by
   * chance
   */
  constructor(
    private readonly _shapes: Map<string, ProbedShape>,
    private readonly _types: Map<string, number>,
    private readonly _uncertain: Set<string>
  ) {}

  /** A copy, to which facts can be added. */
  copy(): TensorFacts {
    return new TensorFacts(
      new Map(this._shapes),
      new Map(this._types),
      new Set(this._uncertain)
    );
  }

  has(tensor: string): boolean {
    return this._shapes.has(tensor);
  }

  /** Adds the facts of a new tensor. */
  declare(tensor: string, shape: ProbedShape, type: number): void {
    this._shapes.set(tensor, shape);
    this._types.set(tensor, type);
  }

  /** Adds a new tensor with the shape and type of another. */
  declareLike(name: string, tensor: string): void {
    if (this.has(tensor)) {
      this.declare(name, this.shape(tensor), this.type(tensor));
      if (this._uncertain.has(tensor)) {
        this._uncertain.add(name);
      }
    }
  }

  /** @throws MoEDebuggerError 'gradient' for a tensor that is in no probe run */
  shape(tensor: string): ProbedShape {
    const shape = this._shapes.get(tensor);
    if (!shape) {
      throw new MoEDebuggerError(
        'gradient',
        `the shape of tensor ${tensor} is unknown`,
        {
          where: tensor,
          hint: 'differentiate by tensors that the graph computes in every run'
        }
      );
    }
    return shape;
  }

  rank(tensor: string): number {
    return this.shape(tensor)[0].length;
  }

  /** The element type (TensorProto.DataType). Default float32. */
  type(tensor: string): number {
    return this._types.get(tensor) ?? ELEMENT.float;
  }

  /** The size of an axis, if fixed; a negative axis counts from the last. */
  fixedAxis(tensor: string, axis: number): number | undefined {
    const shape = this.shape(tensor);
    const at = axis < 0 ? axis + shape[0].length : axis;
    const size = shape[0][at];
    return !this._uncertain.has(tensor) &&
      shape.every(dims => dims[at] === size)
      ? size
      : undefined;
  }

  /** The shape, if all axes are fixed. */
  fixed(tensor: string): number[] | undefined {
    const sizes = this.shape(tensor)[0].map((_, axis) =>
      this.fixedAxis(tensor, axis)
    );
    return sizes.every(size => size !== undefined)
      ? (sizes as number[])
      : undefined;
  }

  /**
   * The axes of `result` along which `operand` was broadcast; undefined where that is only known in a run.
   * @param last number of last axes to skip, such as the two of a matrix product. Default 0.
   */
  broadcastAxes(
    operand: string,
    result: string,
    last = 0
  ): number[] | undefined {
    const own = this.shape(operand);
    const whole = this.shape(result);
    const lead = whole[0].length - own[0].length;
    const uncertain =
      this._uncertain.has(operand) || this._uncertain.has(result);
    const axes: number[] = [];
    for (let axis = 0; axis < whole[0].length - last; axis++) {
      const pairs = whole.map((dims, probe): [number, number] => [
        axis < lead ? 1 : own[probe][axis - lead],
        dims[axis]
      ]);
      if (axis < lead) {
        axes.push(axis);
      } else if (pairs.some(([a, b]) => a !== b)) {
        if (pairs.some(([a]) => a !== 1)) {
          return undefined;
        }
        axes.push(axis);
      } else if (uncertain && pairs.every(([a]) => a < 2)) {
        return undefined;
      }
    }
    return axes;
  }
}
