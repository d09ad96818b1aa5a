/** Baseline embeddings of an attribution. */
import type { TensorValue } from '../../run/engine/messages';
import { toFloat32 } from '../../run/engine/tensor-values';
import { MoEDebuggerError } from '../../base/errors';
import type { Gradients } from '../../run/gradients/model-gradients';
import type { Runnable } from '../../run/model/runnable';
import { configCount } from '../../run/model/config';
import { vocabularySize } from '../../run/model/vocabulary';
import type { Baseline } from './options';
import { tokenId } from './resolve-target';

/** Embedding rows that are looked up at once for the mean. */
const CHUNK = 4096;

/**
 * @param tokens length of the prompt that is explained
 * @returns [1, 1 or tokens, width]; undefined for zeros
 * @throws MoEDebuggerError 'input' for a token that does not exist or a contrast prompt of another length
 */
export async function baselineEmbeddings(
  model: Runnable,
  gradients: Gradients,
  baseline: Baseline,
  tokens: number
): Promise<TensorValue | undefined> {
  if (baseline === 'zero') {
    return undefined;
  }
  if (baseline === 'mean') {
    return meanEmbedding(model, gradients);
  }
  if ('token' in baseline) {
    return asFloat(
      await gradients.embeddings([tokenId(model, baseline.token, 'baseline')])
    );
  }
  const { ids } = model.tokenize(baseline.prompt);
  if (ids.length !== tokens) {
    throw new MoEDebuggerError(
      'input',
      `the contrast prompt has ${ids.length} tokens and the prompt ${tokens}`,
      {
        where: 'baseline',
        hint: 'give two prompts with the same number of tokens'
      }
    );
  }
  return asFloat(await gradients.embeddings(ids));
}

async function meanEmbedding(
  { graph, config }: Runnable,
  gradients: Gradients
): Promise<TensorValue> {
  const vocabulary =
    vocabularySize(graph) ?? configCount(config.model, 'vocab_size');
  if (vocabulary === undefined) {
    throw new MoEDebuggerError(
      'input',
      'the mean embedding needs the size of the vocabulary, which is unknown',
      { where: 'baseline', hint: 'choose another baseline' }
    );
  }
  let sum = new Float64Array();
  for (let start = 0; start < vocabulary; start += CHUNK) {
    const ids = Array.from(
      { length: Math.min(CHUNK, vocabulary - start) },
      (_, i) => start + i
    );
    const rows = await gradients.embeddings(ids);
    const width = rows.dims[rows.dims.length - 1];
    sum = sum.length === 0 ? new Float64Array(width) : sum;
    toFloat32(rows).forEach((x, i) => (sum[i % width] += x));
  }
  return {
    type: 'float32',
    dims: [1, 1, sum.length],
    data: Float32Array.from(sum, x => x / vocabulary)
  };
}

function asFloat(tensor: TensorValue): TensorValue {
  return { type: 'float32', dims: tensor.dims, data: toFloat32(tensor) };
}
