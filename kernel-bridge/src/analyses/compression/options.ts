/** What a caller may ask of a compression plan, checked before anything runs. */
import type { Progress } from '../../base/progress';
import { MoEDebuggerError } from '../../base/errors';
import type { Prompt } from '../../run/model/prompt';
import { layerName } from '../../base/protocol';
import type { Router } from '../../routing/convention';

/**
 * What experts are ranked by; those that rank lowest go:
 * - frequency: tokens that chose the expert;
 * - reap: mean of gate times output norm over those tokens (arXiv 2510.13999);
 * - ean: sum of output norms over them;
 * - naee: not in the set of experts that alone gives the layer's output with the least error (arXiv 2402.14800);
 * - overlap: of the two experts whose outputs differ least, the one that fewer tokens chose, again and again.
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
  /** Experts that stay in each layer; this or `ratio`. */
  keep?: number;
  /** Share of each layer's experts that goes, from 0 to 1, rounded down to whole experts: REAP's compression ratio. */
  ratio?: number;
  /** What decides. Where a layer does not give it, frequency does, and a warning says so. Default 'reap'. */
  by?: CompressionCriterion;
  /**
   * Experts whose outputs differ less are merged rather than pruned: the norm of the difference over the root mean
   * square of both norms, on the tokens where both are known. Default 0.1.
   */
  mergeDifference?: number;
  /** Prompts that the effect is measured on. Default: every second prompt of each domain, which is not looked at otherwise. */
  heldOut?: Prompt | readonly Prompt[];
  /**
   * Runs every expert on every token, which NAEE takes and which compares all pairs: a run an expert rather than one
   * a choice. Default: in layers of up to 16 experts. Never where the graph cannot be made to run an expert.
   */
  everyExpert?: boolean;
  /** Mean rank of the LoRA advice over experts that stay. Default 8. */
  loraRank?: number;
  signal?: AbortSignal;
  /** Called after each forward. */
  onProgress?: (progress: Progress) => void;
}

/** @throws MoEDebuggerError 'input' naming the option that does not fit */
export function checkOptions(options: CompressionOptions): void {
  const { keep, ratio, by, mergeDifference = 0, loraRank = 1 } = options;
  check(
    (keep === undefined) !== (ratio === undefined),
    'how many experts stay must be said once',
    'keep',
    'give keep (experts of a layer) or ratio (share that goes)'
  );
  check(
    ratio === undefined || (ratio >= 0 && ratio < 1),
    `a share of ${String(ratio)} cannot go`,
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
    `experts cannot be merged below a difference of ${String(mergeDifference)}`,
    'mergeDifference',
    'give 0 (equal outputs only) up to 1.41 (unrelated ones too)'
  );
  check(
    Number.isSafeInteger(loraRank) && loraRank >= 1,
    `a mean rank of ${String(loraRank)} cannot be shared out`,
    'loraRank',
    'give a whole number of 1 or more'
  );
}

/** Experts of a router that stay. @throws MoEDebuggerError 'input' when a token could not choose its k of them */
export function keptExperts(
  router: Router,
  { keep, ratio }: CompressionOptions
): number {
  const { experts, topK } = router;
  const kept = keep ?? experts - Math.floor(ratio! * experts);
  check(
    Number.isInteger(kept) && kept >= topK && kept <= experts,
    `${String(kept)} of ${experts} experts cannot be kept where a token takes ${topK}`,
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
