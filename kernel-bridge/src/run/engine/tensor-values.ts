/** Numbers of a tensor that came out of a run. */
import { float16 } from '../../onnx/file/tensor';
import type { TensorValue } from './messages';

/** The values as float32; half precision, which onnxruntime-node hands over as bits, is read. */
export function toFloat32({ type, data }: TensorValue): Float32Array {
  if (data instanceof Float32Array) {
    return data;
  }
  return type === 'float16' && data instanceof Uint16Array
    ? Float32Array.from(data, float16)
    : Float32Array.from(data as ArrayLike<number>);
}

/** Whole numbers as JavaScript's own. */
export function toIntegers({ data }: TensorValue): number[] {
  const values: number[] = [];
  data.forEach((value: number | bigint) => values.push(Number(value)));
  return values;
}
