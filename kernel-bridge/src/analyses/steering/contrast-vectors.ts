/**
 * Steering vectors from contrast prompts: the difference of the mean residual streams of two sets of prompts (difference
 * of means; Rimsky et al. 2023, arXiv 2312.06681).
 */
import type { Progress } from '../../base/progress';
import { probedSession } from '../../run/edits/edited-sessions';
import { recordActivations } from '../../run/activations/record-activations';
import type { Edits } from '../../run/edits/edits';
import { MoEDebuggerError } from '../../base/errors';
import type { LoadedModel } from '../../run/model/loaded-model';
import { promptList, type Prompt } from '../../run/model/prompt';
import type { Stack } from '../../base/protocol';
import { SteeringVectors } from './steering-vectors';

export interface ContrastOptions {
  /** Prompts that show what to steer towards, and what to steer away from. */
  positive: Prompt | readonly Prompt[];
  negative: Prompt | readonly Prompt[];
  /** The stream at a prompt's last token, or its mean over all tokens. Default 'last'. */
  at?: 'last' | 'mean';
  signal?: AbortSignal;
  /** Called after each prompt. */
  onProgress?: (progress: Progress) => void;
}

/**
 * @param edits that the prompts run with
 * @returns one vector per block
 * @throws MoEDebuggerError 'input' for invalid prompts, 'model-unsupported' if no residual stream is found,
 * 'cancelled'
 */
export async function contrastVectors(
  model: LoadedModel,
  options: ContrastOptions,
  edits: Edits = {}
): Promise<SteeringVectors> {
  const sets = [options.positive, options.negative].map(promptList);
  const empty = sets.findIndex(set => set.length === 0);
  if (empty >= 0) {
    throw new MoEDebuggerError(
      'input',
      `there are no ${['positive', 'negative'][empty]} prompts`,
      { hint: 'give at least one' }
    );
  }
  const target = await probedSession(model).resolve(edits).run();
  if (target.activations.residual.length === 0) {
    throw new MoEDebuggerError(
      'model-unsupported',
      'no residual stream was found',
      { hint: 'steer by biases of its routers instead' }
    );
  }
  const total = sets[0].length + sets[1].length;
  let done = 0;
  const [positive, negative] = await inTurn(sets, async set => {
    const tokenized = set.map((prompt, i) => model.tokenize(prompt, i));
    const means = await inTurn(tokenized, async prompt => {
      const { residual } = await recordActivations(
        model,
        target,
        prompt,
        { residual: true },
        options.signal
      );
      options.onProgress?.({ done: ++done, total });
      const tokens = (stack?: Stack): number =>
        stack === 'decoder' ? prompt.decoderIds!.length : prompt.ids.length;
      return residual.map(({ values, stack }) =>
        options.at === 'mean'
          ? meanRow(values, tokens(stack))
          : values.subarray(values.length - values.length / tokens(stack))
      );
    });
    return means[0].map((_, point) => mean(means.map(own => own[point])));
  });
  return new SteeringVectors(
    model.onnx.name,
    target.activations.residual.map(({ layer, stack }, point) => ({
      layer,
      ...(stack ? { stack } : {}),
      vector: positive[point].map((value, i) => value - negative[point][i])
    }))
  );
}

async function inTurn<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>
): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) {
    results.push(await work(item));
  }
  return results;
}

/** Mean of [tokens, width] over the tokens. */
function meanRow(values: Float32Array, tokens: number): Float32Array {
  const width = values.length / tokens;
  return mean(
    Array.from({ length: tokens }, (_, t) =>
      values.subarray(t * width, (t + 1) * width)
    )
  );
}

function mean(rows: readonly Float32Array[]): Float32Array {
  return rows[0].map(
    (_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length
  );
}
