/** Reads the weights of experts, dequantised where they are stored as integers. */
import type { Graph } from '../../onnx/graph/graph';
import { packedBits } from '../../onnx/graph/parameter-storage';
import { TensorReader } from '../../onnx/file/tensor-data';
import { dimsOf, elementCount } from '../../onnx/file/tensor';
import type { TensorProto } from '../../onnx/file/schema';
import type { Expert, ExpertWeight } from './expert';

export class ExpertWeights {
  private readonly _reader: TensorReader;

  /** @param folder folder that the locations of external data are relative to */
  constructor(
    private readonly _graph: Graph,
    folder: string
  ) {
    this._reader = new TensorReader(folder);
  }

  /** Bytes of an expert's stored elements as float32. */
  bytes({ weights }: Expert, experts: number): number {
    return weights.reduce((total, weight) => {
      const tensor = this._stored(weight.tensor);
      const whole = tensor ? elementCount(tensor) * 4 : 0;
      return total + whole / (weight.slice === undefined ? 1 : experts);
    }, 0);
  }

  /**
   * All weights of an expert, including biases, one row-major vector a stored tensor.
   * @param experts number of experts in a stacked tensor
   * @throws MoEDebuggerError 'external-data' or 'model-unsupported'
   */
  read({ weights }: Expert, experts: number): Float32Array[] {
    return weights.flatMap(weight => {
      const tensor = this._stored(weight.tensor);
      return tensor ? [this._values(tensor, weight, experts)] : [];
    });
  }

  close(): void {
    this._reader.close();
  }

  private _values(
    tensor: TensorProto,
    weight: ExpertWeight,
    experts: number
  ): Float32Array {
    const raw = this._part(tensor, weight.slice, experts);
    if (!weight.quantized) {
      return raw;
    }
    const packed = this._isPacked(weight.tensor);
    const values = packed ? unpacked(raw) : raw;
    const zeros = this._optional(weight.zeroPoint, weight.slice, experts);
    const scales = this._optional(weight.scales, weight.slice, experts);
    if (zeros && zeros.length > 0) {
      const points = packed ? unpacked(zeros) : zeros;
      shift(values, points, this._axis(tensor, weight.zeroPoint!));
    } else if (packed) {
      // Without a zero point 4-bit values have an offset of 8.
      values.forEach((value, i) => (values[i] = value - 8));
    }
    if (scales && scales.length > 0) {
      scale(values, scales, this._axis(tensor, weight.scales!));
    }
    return values;
  }

  private _part(
    tensor: TensorProto,
    slice: number | undefined,
    experts: number
  ): Float32Array {
    const total = elementCount(tensor);
    // A parameter that all experts share, such as one scale of the tensor, is not divisible by their number.
    if (slice === undefined || total % experts !== 0) {
      return this._reader.values(tensor);
    }
    const size = total / experts;
    return this._reader.values(tensor, slice * size, (slice + 1) * size);
  }

  private _optional(
    name: string | undefined,
    slice: number | undefined,
    experts: number
  ): Float32Array | undefined {
    const tensor = name === undefined ? undefined : this._stored(name);
    return tensor && this._part(tensor, slice, experts);
  }

  private _stored(name: string): TensorProto | undefined {
    return this._graph.weightOf(name)?.tensor;
  }

  private _isPacked(name: string): boolean {
    return this._graph
      .consumers(name)
      .some(({ op, proto }) => packedBits(op, proto) === 4);
  }

  /** Scales are per column when their number is the last dim and not the one before, otherwise per row or block. */
  private _axis(tensor: TensorProto, scales: string): 'columns' | 'rows' {
    const dims = dimsOf(tensor);
    const own = this._stored(scales);
    const count = own ? elementCount(own) : 1;
    const last = dims[dims.length - 1];
    return dims.length > 1 && count === last && count !== dims[dims.length - 2]
      ? 'columns'
      : 'rows';
  }
}

function unpacked(bytes: Float32Array): Float32Array {
  const values = new Float32Array(bytes.length * 2);
  bytes.forEach((byte, i) => {
    values[2 * i] = byte & 15;
    values[2 * i + 1] = byte >> 4;
  });
  return values;
}

/** Which of `count` parameters belongs to element `i` of `length`. */
function parameterOf(
  i: number,
  length: number,
  count: number,
  axis: 'columns' | 'rows'
): number {
  return axis === 'columns' ? i % count : Math.floor((i * count) / length);
}

function scale(
  values: Float32Array,
  scales: Float32Array,
  axis: 'columns' | 'rows'
): void {
  for (let i = 0; i < values.length; i++) {
    values[i] *= scales[parameterOf(i, values.length, scales.length, axis)];
  }
}

function shift(
  values: Float32Array,
  zeros: Float32Array,
  axis: 'columns' | 'rows'
): void {
  for (let i = 0; i < values.length; i++) {
    values[i] -= zeros[parameterOf(i, values.length, zeros.length, axis)];
  }
}
