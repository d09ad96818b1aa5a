/** Options of a compression plan, and their validation. */
import type { Progress } from '../../base/progress';
import { MoEDebuggerError } from '../../base/errors';
import type { Prompt } from '../../run/model/prompt';
import { layerName } from '../../base/protocol';
import type { Router } from '../../routing/convention';

/**
 * Criteria that rank experts; the lowest-ranked are removed:
 * - frequency: number of tokens that select the expert;
 * - reap: mean of gate times output norm over those tokens (arXiv 2510.13999);
 * - ean: sum of output norms over them;
 * - naee: not in the kept set with the smallest error of the layer's output (arXiv 2402.14800);
 * - overlap: repeatedly, of the two experts with the most similar outputs, the one with fewer tokens.
 */
export const CRITERIA = [
  'frequency',
  'reap',
  'ean',
  'naee',
  'overlap'
] as const;
export type CompressionCriterion = (typeof CRITERIA)[number];

export interface CompressionOptions {
  /** Number of experts to keep in each layer; either this or `ratio`. */
  keep?: number;
  /** Share of each layer's experts to remove, from 0 to 1, rounded down to whole experts: REAP's compression ratio. */
  ratio?: number;
  /** Criterion. A layer that does not provide it uses frequency, with a warning. Default 'reap'. */
  by?: CompressionCriterion;
  /**
   * Experts whose outputs differ less than this are merged rather than pruned: norm of the difference over the root mean
   * square of both norms, on tokens where both are known; of weights where there are few such tokens. Default 0.1.
   */
  mergeDifference?: number;
  /** Prompts to measure the effect on. Default: every second prompt of each domain, excluded from calibration. */
  heldOut?: Prompt | readonly Prompt[];
  /**
   * Runs every expert on every token, which NAEE needs and which lets all pairs be compared: one run per expert rather
   * than one per slot. Default: for layers of up to 16 experts. Ignored where the graph cannot run a given expert.
   */
  everyExpert?: boolean;
  /** Random plans of the same size whose effect is measured too. Default 3; 0 measures none. */
  randomPlans?: number;
  /** Mean rank of the suggested LoRA adapters over remaining experts. Default 8. */
  loraRank?: number;
  signal?: AbortSignal;
  /** Called after each forward pass. */
  onProgress?: (progress: Progress) => void;
}

export const RANDOM_PLANS = 3;
const MAX_RANDOM_PLANS = 1000;

/** @throws MoEDebuggerError 'input' naming the invalid option */
export function checkOptions(options: CompressionOptions): void {
  const {
    keep,
    ratio,
    by,
    mergeDifference = 0,
    loraRank = 1,
    randomPlans = RANDOM_PLANS
  } = options;
  check(
    (keep === undefined) !== (ratio === undefined),
    'give exactly one of keep and ratio',
    'keep',
    'give keep (experts per layer) or ratio (share to remove)'
  );
  check(
    ratio === undefined || (ratio >= 0 && ratio < 1),
    `invalid ratio ${String(ratio)}`,
    'ratio',
    'give a number from 0 up to, but not including, 1'
  );
  check(
    by === undefined || CRITERIA.includes(by),
    `there is no criterion named ${String(by)}`,
    'by',
    `give ${CRITERIA.join(', ')}`
  );
  check(
    mergeDifference >= 0 && mergeDifference <= Math.SQRT2,
    `invalid merge difference ${String(mergeDifference)}`,
    'mergeDifference',
    'give 0 (equal outputs only) up to 1.41 (unrelated ones too)'
  );
  check(
    Number.isSafeInteger(randomPlans) &&
      randomPlans >= 0 &&
      randomPlans <= MAX_RANDOM_PLANS,
    `invalid number of random plans ${String(randomPlans)}`,
    'randomPlans',
    `give a whole number up to ${MAX_RANDOM_PLANS}`
  );
  check(
    Number.isSafeInteger(loraRank) && loraRank >= 1,
    `invalid LoRA rank ${String(loraRank)}`,
    'loraRank',
    'give a whole number of at least 1'
  );
}

/** Number of experts of a router to keep. @throws MoEDebuggerError 'input' when a token could not select k of them */
export function keptExperts(
  router: Router,
  { keep, ratio }: CompressionOptions
): number {
  const { experts, topK } = router;
  const kept = keep ?? experts - Math.floor(ratio! * experts);
  check(
    Number.isInteger(kept) && kept >= topK && kept <= experts,
    `cannot keep ${String(kept)} of ${experts} experts when each token selects ${topK}`,
    layerName(router),
    `keep ${topK} to ${experts}`
  );
  return kept;
}

function check(
  holds: boolean,
  what: string,
  where: string,
  hint: string
): void {
  if (!holds) {
    throw new MoEDebuggerError('input', what, { where, hint });
  }
}
