/** What an expert is worth to its layer: for pruning and merging. */
import { MoEDebuggerError } from '../base/errors';

export interface ExpertImportance {
  /** REAP: mean over the tokens routed to e of gate_e(x) ||f_e(x)|| (arXiv 2510.13999); NaN without a token. [E] */
  reap: Float64Array;
  /** EAN: sum of ||f_e(x)|| over those tokens (REAP's baseline). [E] */
  ean: Float64Array;
  /** Weighted frequency: sum of gates. [E] */
  gateSum: Float64Array;
  /** [E], tokens */
  counts: Float64Array;
}

/**
 * @param selected [tokens, k]; -1 is left out
 * @param weights [tokens, k]
 * @param norms [tokens, k]: Euclidean norm of the selected expert's output, without its gate
 */
export function expertImportance(
  selected: ArrayLike<number>,
  weights: ArrayLike<number>,
  norms: ArrayLike<number>,
  experts: number
): ExpertImportance {
  const ean = new Float64Array(experts);
  const gateSum = new Float64Array(experts);
  const counts = new Float64Array(experts);
  const gated = new Float64Array(experts);
  for (let slot = 0; slot < selected.length; slot++) {
    const expert = selected[slot];
    if (expert >= 0) {
      counts[expert]++;
      gateSum[expert] += weights[slot];
      ean[expert] += norms[slot];
      gated[expert] += weights[slot] * norms[slot];
    }
  }
  return {
    reap: gated.map((value, e) => value / counts[e]),
    ean,
    gateSum,
    counts
  };
}

export interface KeptSet {
  experts: number[];
  /** ||Z - Z_pruned||_F over the tokens given */
  error: number;
}

/** More sets than this are not tried one by one. */
const MAX_SETS = 100_000;

/**
 * NAEE (arXiv 2402.14800): every set of `keep` experts with the error that routing to it alone makes in the layer's
 * output, the smallest first. Tokens choose their top k among the kept, with weights by softmax over the chosen.
 *
 * @param logits [tokens, E]
 * @param outputs [tokens, E, width], every expert's output on every token
 * @throws MoEDebuggerError 'input' when there are too many sets to try
 */
export function naeeKeptSets(
  logits: ArrayLike<number>,
  outputs: ArrayLike<number>,
  { experts, topK, width, keep }: NaeeShape
): KeptSet[] {
  if (keep < topK || keep > experts || choose(experts, keep) > MAX_SETS) {
    throw new MoEDebuggerError(
      'input',
      `keeping ${keep} of ${experts} experts cannot be searched`,
      { hint: `keep at least ${topK} (k) and try at most ${MAX_SETS} sets` }
    );
  }
  const tokens = logits.length / experts;
  const all = Array.from({ length: experts }, (_, e) => e);
  const mix = (allowed: readonly number[], t: number): Float64Array =>
    mixture(logits, outputs, { experts, topK, width }, allowed, t);
  const full = Array.from({ length: tokens }, (_, t) => mix(all, t));
  return subsets(all, keep)
    .map(kept => {
      let squares = 0;
      full.forEach((target, t) => {
        const pruned = mix(kept, t);
        target.forEach((value, i) => (squares += (value - pruned[i]) ** 2));
      });
      return { experts: kept, error: Math.sqrt(squares) };
    })
    .sort((a, b) => a.error - b.error);
}

export interface NaeeShape {
  experts: number;
  topK: number;
  width: number;
  /** r of the paper: how many experts stay */
  keep: number;
}

/** A layer's output on one token that may choose among some experts. */
function mixture(
  logits: ArrayLike<number>,
  outputs: ArrayLike<number>,
  { experts, topK, width }: Omit<NaeeShape, 'keep'>,
  allowed: readonly number[],
  t: number
): Float64Array {
  const at = (e: number): number => logits[t * experts + e];
  const chosen = [...allowed].sort((a, b) => at(b) - at(a)).slice(0, topK);
  const exponentials = chosen.map(e => Math.exp(at(e) - at(chosen[0])));
  const total = exponentials.reduce((a, b) => a + b, 0);
  const mixed = new Float64Array(width);
  chosen.forEach((e, i) => {
    const base = (t * experts + e) * width;
    for (let d = 0; d < width; d++) {
      mixed[d] += (exponentials[i] / total) * outputs[base + d];
    }
  });
  return mixed;
}

function choose(n: number, k: number): number {
  let count = 1;
  for (let i = 1; i <= k; i++) {
    count *= (n - k + i) / i;
  }
  return count;
}

function subsets(items: readonly number[], size: number): number[][] {
  if (size === 0) {
    return [[]];
  }
  return items.flatMap((item, i) =>
    subsets(items.slice(i + 1), size - 1).map(rest => [item, ...rest])
  );
}
