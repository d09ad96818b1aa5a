import { takeRows } from '../../base/take-rows';
import type { TensorValue } from '../engine/messages';
import { toFloat32 } from '../engine/tensor-values';
import type { OutputLogits } from './trace-document';

/**
 * Keeps the last token's logits, or all.
 * @param taken of all, those of the captured tokens. Default every token's
 */
export function outputLogits(
  tensor: TensorValue,
  wanted: 'last' | 'all',
  taken?: readonly number[]
): OutputLogits {
  const values = toFloat32(tensor);
  const width = tensor.dims[tensor.dims.length - 1];
  if (wanted === 'last') {
    return { width, data: values.slice(values.length - width) };
  }
  return { width, data: taken ? takeRows(values, taken, width) : values };
}
