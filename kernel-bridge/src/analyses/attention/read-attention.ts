/** Computes the attention probabilities of a prompt. */
import { MoEDebuggerError } from '../../base/errors';
import type { Runnable } from '../../run/model/runnable';
import type { Prompt } from '../../run/model/prompt';
import type { FoundAttention } from './attention';
import { AttentionRecord } from './attention-record';
import { describeUnknown } from './attention-data';
import { AttentionRuns } from './run-attention';

export interface AttentionOptions {
  /** Limit in bytes for the probabilities. Default 2 GiB. */
  memoryLimit?: number;
  signal?: AbortSignal;
}

/**
 * @throws MoEDebuggerError 'input' for an invalid prompt or one whose probabilities exceed the memory limit;
 * 'model-unsupported' if no attention is found; 'gradient' if a node has no form in plain operators; 'cancelled'
 */
export async function readAttention(
  model: Runnable,
  prompt: Prompt,
  { memoryLimit = DEFAULT_MEMORY_LIMIT, signal }: AttentionOptions = {}
): Promise<AttentionRecord> {
  const tokenized = model.tokenize(prompt);
  const { ids, decoderIds = ids } = tokenized;
  const runs = await AttentionRuns.of(model, signal);
  const { attention, unknown } = runs.found;
  checkShown(model, runs.found);
  const sizes = attention.map(({ heads, stack, kind }) => {
    const queries = stack === 'encoder' ? ids.length : decoderIds.length;
    return {
      heads,
      queries,
      keys: kind === 'cross' ? ids.length : queries
    };
  });
  const bytes =
    4 * sizes.reduce((sum, s) => sum + s.heads * s.queries * s.keys, 0);
  if (bytes > memoryLimit) {
    throw new MoEDebuggerError(
      'input',
      `the attention of ${decoderIds.length} tokens takes ${megabytes(bytes)}, more than ${megabytes(memoryLimit)}`,
      {
        where: tokenized.label,
        hint: 'give a shorter prompt or raise memoryLimit'
      }
    );
  }
  const { probabilities } = await runs.run(tokenized, {
    probabilities: true,
    ...(signal ? { signal } : {})
  });
  return new AttentionRecord({
    tokens: model.tokens(decoderIds),
    ...(tokenized.decoderIds ? { encoderTokens: model.tokens(ids) } : {}),
    layers: attention.map(({ layer, stack, kind, sinks }, i) => ({
      layer,
      ...(stack ? { stack } : {}),
      kind,
      ...sizes[i],
      sinks,
      probabilities: probabilities[i]
    })),
    unknown,
    ...(model.edits?.length ? { edits: model.edits } : {})
  });
}

/** @throws MoEDebuggerError 'model-unsupported' if no attention is found */
export function checkShown(
  { onnx }: Runnable,
  { attention, unknown }: FoundAttention
): void {
  if (attention.length === 0) {
    throw new MoEDebuggerError(
      'model-unsupported',
      unknown.length > 0
        ? `the graph contains no attention of a supported form; ${describeUnknown(unknown[0])}`
        : 'the graph contains no attention',
      {
        where: onnx.file,
        hint: 'export the model with attention in plain operators (attn_implementation="eager")'
      }
    );
  }
}

const DEFAULT_MEMORY_LIMIT = 2 ** 31;

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
