/**
 * What is known of the tensors of a graph before it is differentiated: their element types, and their shapes in probe
 * runs of different batch sizes and lengths. A dimension that is the same in all of them is fixed.
 */
import { MoEDebuggerError } from '../../base/errors';
import { ELEMENT } from '../../onnx/file/schema';

/** Sizes along each axis, one list a probe run. */
export type ProbedShape = readonly (readonly number[])[];

export class TensorFacts {
  /**
   * @param _uncertain tensors whose size depends on values and not on sizes alone, as behind a NonZero: two probes can
   * agree on it by chance
   */
  constructor(
    private readonly _shapes: Map<string, ProbedShape>,
    private readonly _types: Map<string, number>,
    private readonly _uncertain: Set<string>
  ) {}

  /** The same facts, to which others can be added. */
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

  /** Notes what is known of a tensor that was added since. */
  declare(tensor: string, shape: ProbedShape, type: number): void {
    this._shapes.set(tensor, shape);
    this._types.set(tensor, type);
  }

  /** Notes that a tensor that was added is of another's shape and type. */
  declareLike(name: string, tensor: string): void {
    if (this.has(tensor)) {
      this.declare(name, this.shape(tensor), this.type(tensor));
      if (this._uncertain.has(tensor)) {
        this._uncertain.add(name);
      }
    }
  }

  /** @throws MoEDebuggerError 'gradient' for a tensor that no probe met */
  shape(tensor: string): ProbedShape {
    const shape = this._shapes.get(tensor);
    if (!shape) {
      throw new MoEDebuggerError(
        'gradient',
        `nothing is known of the shape of tensor ${tensor}`,
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

  /** float32 where nothing says otherwise. */
  type(tensor: string): number {
    return this._types.get(tensor) ?? ELEMENT.float;
  }

  /** The size of one axis, where it is the same in every run; a negative axis counts from the last. */
  fixedAxis(tensor: string, axis: number): number | undefined {
    const shape = this.shape(tensor);
    const at = axis < 0 ? axis + shape[0].length : axis;
    const size = shape[0][at];
    return !this._uncertain.has(tensor) &&
      shape.every(dims => dims[at] === size)
      ? size
      : undefined;
  }

  /** All sizes, where they are the same in every run. */
  fixed(tensor: string): number[] | undefined {
    const sizes = this.shape(tensor)[0].map((_, axis) =>
      this.fixedAxis(tensor, axis)
    );
    return sizes.every(size => size !== undefined)
      ? (sizes as number[])
      : undefined;
  }

  /**
   * The axes of `result` along which `operand` was repeated to its shape; undefined where only a run can tell.
   * @param last axes at the end that do not take part, as the two of a matrix product
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
