/** Settings of `diagnose`. The first three have the names and values of the projects that this one grew from. */
import { MoEDebuggerError } from '../../base/errors';

export interface Thresholds {
  /** Selections that balance would have given an expert, below which its absence means nothing. */
  dead_expert_threshold: number;
  /** A layer's Jain index below this is out of balance. */
  load_balance_threshold: number;
  /** A layer is indecisive when fewer than this share of its tokens are routed decisively (exp(H) below 0.99 E). */
  routing_confidence_threshold: number;
  /** Token rate below which an expert is cold; never more than a tenth of what balance gives it. */
  cold_expert_threshold: number;
  /** A router whose choices are the same for at least this share of tokens is collapsed. */
  collapse_threshold: number;
  /** Experts whose weights or outputs have at least this cosine are near duplicates. */
  duplicate_similarity_threshold: number;
  /** An expert is a specialist when at least this share of its selections is of one class of tokens. */
  specialist_threshold: number;
  /** Corrected p-values below this count. */
  significance: number;
  /** Share of slots dropped over capacity above which it is a warning. */
  capacity_drop_threshold: number;
  /** Total variation distance between slot shares that counts as drift, or as an anomaly. */
  drift_threshold: number;
}

export const DEFAULT_THRESHOLDS: Readonly<Thresholds> = {
  dead_expert_threshold: 10,
  load_balance_threshold: 0.8,
  routing_confidence_threshold: 0.5,
  cold_expert_threshold: 0.01,
  collapse_threshold: 0.95,
  duplicate_similarity_threshold: 0.95,
  specialist_threshold: 0.5,
  significance: 0.05,
  capacity_drop_threshold: 0.01,
  drift_threshold: 0.1
};

/** @throws MoEDebuggerError 'usage' naming a setting that does not exist, or a value that cannot be meant */
export function resolveThresholds(given: Partial<Thresholds> = {}): Thresholds {
  for (const [name, value] of Object.entries(given)) {
    if (!(name in DEFAULT_THRESHOLDS)) {
      throw new MoEDebuggerError('usage', `there is no threshold ${name}`, {
        hint: `use one of ${Object.keys(DEFAULT_THRESHOLDS).join(', ')}`
      });
    }
    const most = name === 'dead_expert_threshold' ? Infinity : 1;
    if (!(typeof value === 'number' && value >= 0 && value <= most)) {
      throw new MoEDebuggerError(
        'usage',
        `${name} cannot be ${String(value)}`,
        {
          hint: most === 1 ? 'give a share from 0 to 1' : 'give 0 or more'
        }
      );
    }
  }
  return { ...DEFAULT_THRESHOLDS, ...given };
}
