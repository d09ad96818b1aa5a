/** Reads the values of a run's tensors. */
import { float16 } from '../../onnx/file/tensor';
import type { TensorValue } from './messages';

/** The values as float32; onnxruntime-node returns float16 as bits, which are converted. */
export function toFloat32({ type, data }: TensorValue): Float32Array {
  if (data instanceof Float32Array) {
    return data;
  }
  return type === 'float16' && data instanceof Uint16Array
    ? Float32Array.from(data, float16)
    : Float32Array.from(data as ArrayLike<number>);
}

/** Integers as JavaScript numbers. */
export function toIntegers({ data }: TensorValue): number[] {
  const values: number[] = [];
  data.forEach((value: number | bigint) => values.push(Number(value)));
  return values;
}
