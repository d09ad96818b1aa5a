/** Computes the effect of an ablation on a prompt's predictions from the logits with and without it. */
import type { RunOutputs } from '../../run/engine/engine';
import type { TensorValue } from '../../run/engine/messages';
import { toFloat32 } from '../../run/engine/tensor-values';
import { mean } from '../../base/statistics/summary';
import {
  atLeastZero,
  divergence,
  logProbability,
  rank
} from '../../base/statistics/logits';
import type { Baseline } from './baseline';
import { DIVERGENCE, MIN_LOG, NEXT_LOG } from './measure-graph';

/** Effect of a pair. */
export interface Effect {
  /** KL(original || ablated) of each of the last positions, in nats; the prompt's last token is the last. */
  kl: Float32Array;
  klLast: number;
  deltaLogProb: number;
  deltaRank: number;
  /** [vocabulary], after the last token. */
  lastLogits: Float32Array;
  /** Mean log-probability of the prompt's own tokens, each after those before it; NaN where the graph does not return them. */
  textLogProb: number;
}

/** The same of a baseline. */
export function textLogProb({
  ids,
  logProbs,
  lastLogits
}: Pick<Baseline, 'ids' | 'logProbs' | 'lastLogits'>): number {
  const vocabulary = lastLogits.length;
  return logProbs.length < ids.length * vocabulary
    ? NaN
    : meanOf(ids.slice(1).map((id, i) => logProbs[i * vocabulary + id]));
}

const meanOf = (values: ArrayLike<number>): number =>
  values.length === 0 ? NaN : mean(values);

/**
 * @param baselines of each row
 * @param logits name of the output with the logits of each row's last token
 */
export function readEffects(
  outputs: RunOutputs,
  logits: string,
  baselines: readonly Baseline[]
): Effect[] {
  const last = toFloat32(outputs[logits]);
  const kl = toFloat32(outputs[DIVERGENCE]);
  const next = toFloat32(outputs[NEXT_LOG]);
  return baselines.map(({ ids, lastLogits, logProbs, target }, row) => {
    const vocabulary = lastLogits.length;
    // If the graph computes all positions of a single prompt, the last ones are at the end.
    const end =
      last.length === baselines.length * vocabulary
        ? (row + 1) * vocabulary
        : last.length;
    const own = last.slice(end - vocabulary, end);
    const width = kl.length / baselines.length;
    const positions = logProbs.length / vocabulary;
    return {
      kl: kl.slice(row * width, row * width + positions).map(atLeastZero),
      klLast: divergence(lastLogits, own),
      deltaLogProb:
        logProbability(own, target) - logProbability(lastLogits, target),
      deltaRank: rank(own, target) - rank(lastLogits, target),
      lastLogits: own,
      textLogProb:
        positions < ids.length
          ? NaN
          : meanOf(next.subarray(row * width, row * width + ids.length - 1))
    };
  });
}

/** Reference distributions of the rows: a single table if all are of one prompt. */
export function reference(
  baselines: readonly Baseline[],
  tokens: number
): TensorValue {
  const [first] = baselines;
  const vocabulary = first.lastLogits.length;
  const positions = first.logProbs.length / vocabulary;
  if (baselines.every(baseline => baseline === first)) {
    return {
      type: 'float32' as const,
      dims: [1, positions, vocabulary],
      data: first.logProbs
    };
  }
  const width = positions < first.ids.length ? positions : tokens;
  const data = new Float32Array(baselines.length * width * vocabulary).fill(
    MIN_LOG
  );
  baselines.forEach(({ logProbs }, row) =>
    data.set(logProbs, row * width * vocabulary)
  );
  return {
    type: 'float32' as const,
    dims: [baselines.length, width, vocabulary],
    data
  };
}

/** The token after each position of the rows; after the last, and where the graph returns fewer positions, any. */
export function nextTokens(
  baselines: readonly Baseline[],
  tokens: number
): TensorValue {
  const [{ lastLogits, logProbs, ids }] = baselines;
  const positions = logProbs.length / lastLogits.length;
  const width = positions < ids.length ? positions : tokens;
  const data = new BigInt64Array(baselines.length * width);
  if (width === tokens) {
    baselines.forEach((baseline, row) =>
      baseline.ids
        .slice(1)
        .forEach((id, i) => (data[row * width + i] = BigInt(id)))
    );
  }
  return { type: 'int64', dims: [baselines.length, width, 1], data };
}
