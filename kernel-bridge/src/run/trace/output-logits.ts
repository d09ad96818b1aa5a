import type { TensorValue } from '../engine/messages';
import { toFloat32 } from '../engine/tensor-values';
import type { OutputLogits } from './trace-document';

/** Keeps the last token's logits, or all. */
export function outputLogits(
  tensor: TensorValue,
  wanted: 'last' | 'all'
): OutputLogits {
  const values = toFloat32(tensor);
  const width = tensor.dims[tensor.dims.length - 1];
  return {
    width,
    data: wanted === 'all' ? values : values.slice(values.length - width)
  };
}
