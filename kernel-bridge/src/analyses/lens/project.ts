/** Projects vectors of the residual stream to distributions over the next token. */
import { cancellable } from '../../run/engine/cancel';
import { toFloat32 } from '../../run/engine/tensor-values';
import type { LoadedModel } from '../../run/model/loaded-model';
import { headOf } from './head';
import type { Step } from '../../run/model/inputs';

/** Maximum number of logits in memory: 64 MiB. */
const MAX_LOGITS = 1 << 24;
const FIRST_VECTORS = 16;

/**
 * @param vectors [count, width]
 * @param each is called with each vector's logits, [vocabulary], which are valid during the call only
 * @throws MoEDebuggerError 'model-unsupported' if the graph has no separable head; 'cancelled'
 */
export async function project(
  model: LoadedModel,
  vectors: Float32Array,
  width: number,
  each: (logits: Float32Array, index: number) => void,
  signal?: AbortSignal
): Promise<void> {
  const head = headOf(model);
  const count = vectors.length / width;
  let vocabulary: number | undefined;
  for (let start = 0; start < count;) {
    const rows = Math.min(
      count - start,
      vocabulary === undefined
        ? FIRST_VECTORS
        : Math.max(1, Math.floor(MAX_LOGITS / vocabulary))
    );
    const values = vectors.slice(start * width, (start + rows) * width);
    const logits = toFloat32(
      await cancellable(
        head.run(values, width, model.inputs.feeds(oneToken(rows))),
        signal
      )
    );
    vocabulary = logits.length / rows;
    for (let row = 0; row < rows; row++) {
      each(
        logits.subarray(row * vocabulary, (row + 1) * vocabulary),
        start + row
      );
    }
    start += rows;
  }
}

function oneToken(rows: number): Step {
  const ones = Array.from({ length: rows }, () => [1]);
  const zeros = ones.map(() => [0]);
  return { ids: zeros, positions: zeros, mask: ones, cached: 0 };
}
